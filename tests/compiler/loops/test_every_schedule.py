"""Kernels of every primitive against numpy: each geometry, each way to lay out memory."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native_programs import Native, assert_as_numpy, assert_nets_as_numpy, run_native, targets, written
from programs import convolution, random_values, run, sparse_product, window, windows

from deltaplan.compiler.loops.schedule import flat, sums, wide
from deltaplan.compiler.steps import (
    PRIMITIVES,
    ArgMax,
    Conv,
    Map,
    MatMul,
    Pick,
    Place,
    Pool,
    Put,
    Random,
    Reduce,
    Slice,
    Sparse,
    Tensor,
    Unpool,
    View,
)
from deltaplan.plugins.expressions import argument, maximum
from deltaplan.runtime.backends.native.target import named
from deltaplan.runtime.dropout import fill

BATCHES = [*range(1, 41), 47, 61, 97, 127, 193, 257]


def test_every_primitive_has_a_schedule():
    """On samples, without them, and as a sum over them where it can be one; views cost nothing."""
    assert set(wide.WRITERS) == set(PRIMITIVES) - {View}
    assert set(flat.WRITERS) == set(PRIMITIVES) - {View}
    assert set(sums.WRITERS) == {MatMul, Reduce, Conv, Sparse}


def matrices(batched):
    w = Tensor("W", (20, 30))
    z, a = Tensor("z", (30,), batched), Tensor("a", (20,), batched)
    yield MatMul(inputs=(w, z), outputs=(a,))
    yield MatMul(inputs=(w, a), outputs=(z,), transpose_a=True)
    yield MatMul(inputs=(a, z), outputs=(w,), transpose_b=True)


def maps(batched):
    x, b, s = Tensor("x", (4, 5, 3), batched), Tensor("b", (3,)), Tensor("s", ())
    x0, x1, x2 = (argument(f"x{i}") for i in range(3))
    yield Map(
        inputs=(x, b, s),
        outputs=(Tensor("y", x.shape, batched),),
        expressions=(maximum(x0 * x1, 0) + x2,),
    )


def reductions(batched):
    x, column = Tensor("x", (4, 5, 3), batched), Tensor("column", (4, 1, 30), batched)
    for axes, kind, batch in product(
        [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2), ()], ["sum", "max"], [False, True]
    ):
        if (batched or not batch) and (axes or batch):
            shape = tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
            y = Tensor("y", shape, batched and not batch)
            yield Reduce(inputs=(x,), outputs=(y,), kind=kind, axes=axes, batch=batch)
    yield Reduce(inputs=(column,), outputs=(Tensor("y", (4, 1), batched),), kind="sum", axes=(2,))
    yield Reduce(inputs=(column,), outputs=(Tensor("y", (1, 30), batched),), kind="sum", axes=(0,))


def pools(batched):
    for made, sides in (
        (window(2, 2, stride=2), (4, 6)),
        (window(3, 3, stride=2, before=1, after=1), (5, 6)),
        (window(3, before=1, after=1), (7,)),
        (window(5, 5, before=2, after=2), (6, 6)),
    ):
        x, y = Tensor("x", (*sides, 3), batched), Tensor("y", (*made.places(sides), 3), batched)
        yield Pool(inputs=(x,), outputs=(y,), kind="sum", window=made)
        yield Pool(inputs=(x,), outputs=(y,), kind="max", window=made)
        yield Unpool(inputs=(y,), outputs=(x,), window=made)
        yield ArgMax(inputs=(x,), outputs=(Tensor("i", y.shape, batched, "index"),), window=made)


def moves(batched):
    x = Tensor("x", (4, 5, 3), batched)
    for axis in range(3):
        shorter = tuple(2 if a == axis else n for a, n in enumerate(x.shape))
        yield Slice(inputs=(x,), outputs=(Tensor("y", shorter, batched),), axis=axis, begin=1, end=3)
        yield Slice(
            inputs=(x,), outputs=(Tensor("y", shorter, batched),), axis=axis, begin=1, end=3, reverse=True
        )
        longer = Tensor("y", tuple(3 + 2 * n if a == axis else n for a, n in enumerate(x.shape)), batched)
        begins = (1, x.shape[axis] + 2)
        yield Place(inputs=(x, Tensor("z", x.shape, batched)), outputs=(longer,), axis=axis, begins=begins)


def choices(batched):
    for shape, axes, places in (
        ((30,), 1, ()),
        ((4, 5, 3), 2, (2, 3, 3)),
        ((3, 3), 1, (2, 3)),
        ((3,), 1, (4,)),
    ):
        x, i = Tensor("x", shape, batched), Tensor("i", places, batched, "index")
        chosen = Tensor("y", places, batched)
        yield Pick(inputs=(x, i), outputs=(chosen,), axes=axes)
        yield Put(inputs=(chosen, i), outputs=(x,), axes=axes)
    long, short = Tensor("x", (30,), batched), Tensor("x", (5,), batched)
    for x in (long, short):
        yield ArgMax(inputs=(x,), outputs=(Tensor("i", (), batched, "index"),))


def forms(batched):
    """Every slot of products with sparse matrices and of convolutions."""
    for slot in "ywx":
        yield sparse_product(slot, 9, 7, 20, batched)
        yield sparse_product(slot, 4, 30, 11, batched)
        for sides, channels, stride, groups in (
            ((6, 7), (3, 5), 1, 1),
            ((6, 7), (4, 6), 2, 2),
            ((5,), (2, 3), 1, 1),
        ):
            made = window(*(3,) * len(sides), stride=stride, before=1, after=1)
            yield convolution(slot, sides, made.places(sides), channels, made, groups, batched)


FAMILIES = (matrices, maps, reductions, pools, moves, choices, forms)
STEPS = [
    pytest.param(
        step,
        number,
        id=f"{number}-{family.__name__}-{type(step).__name__}",
        marks=pytest.mark.light if place % 3 else (),
    )
    for number, (family, place, step) in enumerate(
        (family, place, step)
        for family in FAMILIES
        for batched in (True, False)
        for place, step in enumerate(family(batched))
    )
]  # of each family every third has the effort that users get


@pytest.mark.parametrize(("step", "number"), STEPS)
def test_every_primitive(step, number):
    """Over all steps nearly every size of batches comes up, and of their kinds both precisions."""
    batch = BATCHES[5 * number % len(BATCHES)] if any(t.batched for t in step.inputs) else 1
    dtype = ("float64", "float32")[(number + number // 6) % 2]
    assert_as_numpy((step,), step.inputs, batch, dtype, inner="samples")


@pytest.mark.slow
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", targets())
def test_every_processor(name, every):
    for param in STEPS[::every]:
        step, number = param.values
        batch, dtype = BATCHES[7 * number % len(BATCHES)], ("float32", "float64")[number % 2]
        assert_as_numpy((step,), step.inputs, batch, dtype, inner="samples", target=named(name))


def half():
    """Of each kind of step every other one, the first among them."""
    seen = Counter()
    for param in STEPS:
        step = param.values[0]
        forms = [
            getattr(step, name, None) for name in ("kind", "slot", "transpose_a", "transpose_b", "reverse")
        ]
        kind = (type(step), *forms, any(t.batched for t in step.inputs))
        left_out = [pytest.mark.long] * (seen[kind] % 2)
        seen[kind] += 1
        yield pytest.param(*param.values, id=param.id, marks=[*param.marks, *left_out])


@pytest.mark.parametrize(("step", "number"), list(half()))
def test_nets_side_by_side(step, number):
    """Half of them with an input that the nets share."""
    names = [t.name for t in step.inputs if t.name in "xiW"] if number // 2 % 2 else []
    assert_nets_as_numpy((step,), 3, (1, 5, 17)[number % 3], shared=names[:1])


@pytest.mark.parametrize(("step", "number"), list(half()))
def test_few_samples_with_features_side_by_side(step, number):
    assert_as_numpy((step,), step.inputs, batch=1 + number // 2 % 4, inner="features")


@pytest.mark.long
@pytest.mark.parametrize(("step", "number"), STEPS)
def test_any_number_of_nets_side_by_side(step, number):
    for nets, name in product((1, 5, 17), ["", *(t.name for t in step.inputs if t.name in "xiW")]):
        assert_nets_as_numpy((step,), 3, nets, shared=[name])


@pytest.mark.long
@pytest.mark.parametrize(("step", "number"), STEPS)
def test_every_size_of_batches(step, number):
    for batch, dtype in product(BATCHES, ["float64", "float32"]):
        assert_as_numpy((step,), step.inputs, batch, dtype, inner="samples")


CHANNELS = [(1, 1, 1), (2, 4, 2), (3, 2, 1), (3, 3, 3)]  # read, written, groups


@pytest.mark.light
@settings(max_examples=20)
@given(windows(), st.sampled_from(CHANNELS), st.sampled_from([2, 7, 33]))
def test_convolutions_of_any_geometry(geometry, channels, batch):
    made, sides = geometry
    inputs, outputs, groups = channels
    for slot in "xwy":
        step = convolution(slot, sides, made.places(sides), (inputs, outputs), made, groups)
        assert_as_numpy((step,), step.inputs, batch, inner="samples")


@pytest.mark.light
@settings(max_examples=20)
@given(windows(padding="less"), st.sampled_from([2, 7, 33]))
def test_pools_of_any_geometry(geometry, batch):
    made, sides = geometry
    x, y = Tensor("x", (*sides, 2), True), Tensor("y", (*made.places(sides), 2), True)
    index = Tensor("i", y.shape, True, "index")
    steps = (
        Pool(inputs=(x,), outputs=(Tensor("m", y.shape, True),), kind="max", window=made),
        Pool(inputs=(x,), outputs=(Tensor("s", y.shape, True),), kind="sum", window=made),
        ArgMax(inputs=(x,), outputs=(index,), window=made),
        Put(inputs=(y, index), outputs=(Tensor("back", x.shape, True),), axes=made.axes, window=made),
        Unpool(inputs=(y,), outputs=(Tensor("wide", x.shape, True),), window=made),
    )
    assert_as_numpy(steps, [x, y], batch, inner="samples")


def accumulating():
    for param in STEPS:
        (step, _) = param.values
        if type(step) in sums.WRITERS and not step.output.batched and any(t.batched for t in step.inputs):
            yield pytest.param(step, id=param.id)


@pytest.mark.parametrize("step", list(accumulating()))
def test_sums_are_added_to_what_is_there(step):
    """After two runs over the same samples there is twice the sum."""
    values = random_values(step.inputs, 5)
    of_nets = {t: np.stack([v] * 3, -1) for t, v in values.items()}
    native = Native((step,), of_nets, step.outputs, 5, nets=3, accumulate=True)
    native.memory["arena"].numbers[:] = 0
    native.run()
    native.run()
    (expected,) = run((step,), values, step.outputs, batch=5)
    largest = isinstance(step, Reduce) and step.kind == "max"
    found = np.maximum(expected, 0) if largest else 2 * expected
    np.testing.assert_allclose(native[step.output][..., 1], found, rtol=1e-11, atol=1e-12)


def test_random_numbers_are_those_of_numpy():
    for size, batch in product((3, 30), (1, 5, 33)):
        out = Tensor("u", (size,), True)
        (found,) = run_native((Random(inputs=(), outputs=(out,), node=4),), {}, [out], batch)
        expected = np.empty((size, batch))
        fill(expected, 0, 0, 4, np.arange(batch))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_comes_through(value):
    """A maximum of NaN is NaN, and the first NaN is chosen as the first of the largest."""
    made = window(2, 2, stride=2)
    x, y = Tensor("x", (4, 4, 3), True), Tensor("y", (2, 2, 3), True)
    index = Tensor("i", y.shape, True, "index")
    steps = (
        Pool(inputs=(x,), outputs=(y,), kind="max", window=made),
        ArgMax(inputs=(x,), outputs=(index,), window=made),
    )
    values = random_values([x], 9)
    values[x][1, 2, 0, 4] = values[x][0, 3, 0, 4] = value
    found, chosen = run_native(steps, values, written(steps), 9)
    (expected,) = run(steps, values, [y], batch=9)
    np.testing.assert_array_equal(found, expected)
    if value != -np.inf:
        assert chosen[0, 1, 0, 4] == 3
