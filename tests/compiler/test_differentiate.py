"""Each primitive's derivative rule against central differences, once and applied twice."""

import numpy as np
import pytest
from hypothesis import assume, given
from programs import LEAVES, convolution, program, random_values, run, sparse_product, step_lists, window

from deltaplan.compiler.differentiate import differentiate
from deltaplan.compiler.rules import DERIVATIVES
from deltaplan.compiler.steps import (
    PRIMITIVES,
    ArgMax,
    Map,
    MatMul,
    Pick,
    Place,
    Pool,
    Put,
    Random,
    Reduce,
    Slice,
    Tensor,
    Unpool,
    View,
)
from deltaplan.compiler.windows import Window
from deltaplan.plugins.expressions import argument, cos, exp, maximum, sin, where

BATCH = 3
x0, x1, x2 = (argument(f"x{i}") for i in range(3))


def batched(name, *shape):
    return Tensor(name, shape, batched=True)


def plain(name, *shape):
    return Tensor(name, shape)


def index(name, *shape):
    return Tensor(name, shape, batched=True, kind="index")


def mapped(expression, *inputs, out=None, more=()):
    outputs = (out, *(Tensor(f"{out}{i}", out.shape, out.batched) for i in range(len(more))))
    return Map(inputs=inputs, outputs=outputs, expressions=(expression, *more))


def product(a, b, out, ta=False, tb=False):
    return MatMul(inputs=(a, b), outputs=(out,), transpose_a=ta, transpose_b=tb)


def summed(x, out, axes, batch=False, kind="sum", stop=False):
    return Reduce(inputs=(x,), outputs=(out,), kind=kind, axes=axes, batch=batch, stop=stop)


def matrix(name, rows, columns, transposed):
    return plain(name, columns, rows) if transposed else plain(name, rows, columns)


CASES = {
    **{
        f"matmul{ta}{tb}": product(
            matrix("a", 2, 3, ta), matrix("b", 3, 4, tb), plain("c", 2, 4), bool(ta), bool(tb)
        )
        for ta in (0, 1)
        for tb in (0, 1)
    },
    "matmul of samples": product(plain("a", 2, 3), batched("b", 3), batched("c", 2)),
    "matmul of samples, transposed": product(plain("a", 3, 2), batched("b", 3), batched("c", 2), ta=True),
    "matmul over samples": product(batched("a", 2), batched("b", 3), plain("c", 2, 3), tb=True),
    "matmul of a vector": product(plain("a", 2, 3), plain("b", 3), plain("c", 2)),
    "matmul of one column": product(plain("a", 2, 1), batched("b", 1), batched("c", 2)),
    "matmul of a matrix with itself": product(plain("a", 3, 3), plain("a", 3, 3), plain("c", 3, 3), ta=True),
    "map": mapped(sin(x0) * x1, batched("a", 3), batched("b", 3), out=batched("c", 3)),
    "map of a bias": mapped(x0 + x1, batched("a", 3), plain("b", 3), out=batched("c", 3)),
    "map of numbers": mapped(x0 * x1 + cos(x2), batched("a"), plain("b"), plain("d", 3), out=batched("c", 3)),
    "map of lengths 1": mapped(exp(x0 * x1), batched("a", 1, 3), plain("b", 2, 1), out=batched("c", 2, 3)),
    "map of another rank": mapped(x0 * x1, batched("a", 3), batched("b", 2, 3), out=batched("c", 2, 3)),
    "map without a batch": mapped(
        x0 / (2 + x1 * x1), plain("a", 2, 1), plain("b", 1, 3), out=plain("c", 2, 3)
    ),
    "map of one tensor twice": mapped(x0 * sin(x1), batched("a", 3), batched("a", 3), out=batched("c", 3)),
    "map of two outputs": mapped(
        sin(x0 * x1), batched("a", 3), plain("b", 3), out=batched("c", 3), more=(x0 + x1,)
    ),
    "map of a choice": mapped(
        where(x0 > x1, sin(x0), x1 * x1), batched("a", 3), batched("b", 3), out=batched("c", 3)
    ),
    "map of a maximum": mapped(maximum(x0, x1), batched("a", 3), plain("b"), out=batched("c", 3)),
    "sum": summed(batched("a", 3), batched("c"), (0,)),
    "sum over samples": summed(batched("a", 3), plain("c", 3), (), batch=True),
    "sum of all": summed(batched("a", 2, 3), plain("c"), (0, 1), batch=True),
    "sum over the first axis": summed(batched("a", 2, 3), batched("c", 3), (0,)),
    "sum over the last axis": summed(batched("a", 2, 3), plain("c", 2), (1,), batch=True),
    "sum over no axis": summed(batched("a", 2), batched("c", 2), ()),
    "sum without a batch": summed(plain("a", 2, 3), plain("c", 2), (1,)),
    "sum of a number over samples": summed(batched("a"), plain("c"), (), batch=True),
    "max": summed(batched("a", 4), batched("c"), (0,), kind="max"),
    "max without a batch": summed(plain("a", 4), plain("c"), (0,), kind="max"),
    "slice": Slice(inputs=(batched("a", 5),), outputs=(batched("c", 2),), axis=0, begin=1, end=3),
    "slice of columns": Slice(
        inputs=(plain("a", 2, 4),), outputs=(plain("c", 2, 3),), axis=1, begin=1, end=4
    ),
    "slice in reverse": Slice(
        inputs=(batched("a", 5, 2),), outputs=(batched("c", 3, 2),), axis=0, begin=1, end=4, reverse=True
    ),
    "place": Place(inputs=(batched("a", 2),), outputs=(batched("c", 5),), axis=0, begins=(1,)),
    "concat": Place(
        inputs=(batched("a", 2), batched("b", 3)), outputs=(batched("c", 5),), axis=0, begins=(0, 2)
    ),
    "concat of columns with gaps": Place(
        inputs=(plain("a", 2, 1), plain("b", 2, 2)), outputs=(plain("c", 2, 6),), axis=1, begins=(1, 3)
    ),
    "concat of a tensor with itself": Place(
        inputs=(batched("a", 2), batched("a", 2)), outputs=(batched("c", 4),), axis=0, begins=(0, 2)
    ),
    "pick": Pick(inputs=(batched("a", 4), index("i")), outputs=(batched("c"),)),
    "pick without a batch": Pick(
        inputs=(plain("a", 4), Tensor("i", (), kind="index")), outputs=(plain("c"),)
    ),
    "put": Put(inputs=(batched("a"), index("i")), outputs=(batched("c", 4),)),
    "put without a batch": Put(inputs=(plain("a"), Tensor("i", (), kind="index")), outputs=(plain("c", 4),)),
    "pick of many": Pick(
        inputs=(batched("a", 2, 2, 2), index("i", 3, 2)), outputs=(batched("c", 3, 2),), axes=2
    ),
    "put of many": Put(
        inputs=(batched("a", 3, 2), index("i", 3, 2)), outputs=(batched("c", 2, 2, 2),), axes=2
    ),
    **{
        f"convolution, {slot}, {name}": convolution(slot, sides, places, width, made, groups, is_batched)
        for slot in "xwy"
        for name, (sides, places, width, made, groups, is_batched) in {
            "of a sequence": ((5,), (4,), (2, 3), window(2), 1, True),
            "of a picture": ((4, 5), (3, 3), (2, 2), window(2, 3), 1, True),
            "causal": ((4,), (4,), (1, 2), window(2, dilation=2, before=2), 1, True),
            "with stride and pads": (
                (5, 4),
                (3, 2),
                (1, 2),
                window(3, 3, stride=2, before=1, after=1),
                1,
                True,
            ),
            "in groups": ((3, 3), (2, 2), (4, 2), window(2, 2), 2, True),
            "in the padding alone": (
                (1, 2),
                (3, 2),
                (1, 1),
                window(3, 1, before=2, after=2, width=0),
                1,
                True,
            ),
            "without a batch": ((3, 4), (2, 3), (2, 2), window(2, 2), 1, False),
        }.items()
    },
    **{
        f"sparse, {slot}{', without a batch' * (not many)}": sparse_product(slot, 3, 4, 6, many)
        for slot in "xwy"
        for many in (True, False)
    },
    **{
        f"{kind} pool, {name}": Pool(
            inputs=(Tensor("a", (*sides, 2), many),),
            outputs=(Tensor("c", (*made.places(sides), 2), many),),
            kind=kind,
            window=made,
        )
        for kind in ("sum", "max")
        for name, sides, made, many in (
            ("side by side", (4, 4), window(2, 2, stride=2), True),
            ("overlapping", (4, 3), window(3, 2, before=1, after=1), True),
            ("of a sequence", (5,), window(2, stride=2), True),
            ("without a batch", (3, 3), window(2, 2), False),
        )
    },
    "upsampling": Unpool(
        inputs=(batched("a", 2, 2, 2),),
        outputs=(batched("c", 4, 6, 2),),
        window=Window((2, 3), (2, 3), (1, 1), (0, 0), (0, 0)),
    ),
    "unpool, overlapping": Unpool(
        inputs=(batched("a", 3, 2),), outputs=(batched("c", 4, 2),), window=window(2)
    ),
    "view": View(inputs=(batched("a", 2, 3),), outputs=(batched("c", 6),)),
    "view of a matrix": View(inputs=(plain("a", 2, 3),), outputs=(plain("c", 3, 2),)),
}


@pytest.mark.parametrize("name", CASES)
def test_each_rule_against_central_differences(name):
    step = CASES[name]
    values = random_values(dict.fromkeys(step.inputs), BATCH)
    seeds = {t: Tensor(f"seed of {t}", t.shape, t.batched) for t in step.outputs}
    values |= random_values(seeds.values(), BATCH, seed=1)
    inputs = [t for t in dict.fromkeys(step.inputs) if t.kind == "real"]
    backward, adjoints = differentiate((step,), seeds, inputs)
    derived = run((step, *backward), values, [adjoints[t] for t in inputs])
    for tensor, adjoint in zip(inputs, derived, strict=True):
        assert (adjoints[tensor].shape, adjoints[tensor].batched) == (tensor.shape, tensor.batched)
        np.testing.assert_allclose(adjoint, differences(step, values, seeds, tensor), rtol=0, atol=1e-8)


def differences(step, values, seeds, tensor):
    """∂(Σ seed · output)/∂tensor, number by number."""
    bound = program((step,), values, step.outputs)
    array = bound[tensor]
    slopes = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        before = float(array[place])

        def total(offset, place=place, before=before):
            array[place] = before + offset
            bound.run()
            return sum(float((values[seeds[t]] * bound[t]).sum()) for t in step.outputs)

        slopes[place] = slope(total)
        array[place] = before
    return slopes


@pytest.mark.parametrize("name", CASES)
def test_each_rule_differentiated_once_more(name):
    """The Hessian of Σ sin(output) times a vector against differences of the gradient."""
    step = CASES[name]
    values = random_values(dict.fromkeys(step.inputs), BATCH, spread=0.5)
    inputs = [t for t in dict.fromkeys(step.inputs) if t.kind == "real"]
    steps, goal = summed_sines(step)
    backward, adjoints = differentiate(steps, {goal: None}, inputs)
    both, direction = (*steps, *backward), random_values(inputs, BATCH, seed=2)
    seeds = {adjoints[t]: Tensor(f"direction {t}", t.shape, t.batched) for t in inputs}
    assert len(seeds) == len(inputs)
    second, products = differentiate(both, seeds, inputs)
    known = values | {seeds[adjoints[t]]: direction[t] for t in inputs}
    found = run((*both, *second), known, list(products.values()))
    probe = random_values(inputs, BATCH, seed=3)
    derived = sum(float((h * probe[t]).sum()) for t, h in zip(products, found, strict=True))

    def sloped(offset):
        gradient = run(both, along(values, probe, offset), list(adjoints.values()))
        return sum(float((g * direction[t]).sum()) for t, g in zip(adjoints, gradient, strict=True))

    assert derived == pytest.approx(slope(sloped), rel=1e-7, abs=1e-7)


def summed_sines(step):
    """The step and Σ sin over its outputs."""
    steps, totals = [step], []
    for t in step.outputs:
        sine, total = Tensor(f"sine of {t}", t.shape, t.batched), Tensor(f"total of {t}", ())
        axes = tuple(range(len(t.shape)))
        steps += [mapped(sin(x0), t, out=sine), summed(sine, total, axes, batch=t.batched)]
        totals.append(total)
    goal = plain("goal")
    terms = [argument(f"x{i}") for i in range(len(totals))]
    return (*steps, mapped(sum(terms[1:], terms[0]), *totals, out=goal)), goal


def test_no_primitive_lacks_a_rule():
    assert set(DERIVATIVES) | {Map} == set(PRIMITIVES)


def test_a_maximum_gives_to_the_first_of_the_largest():
    x, y = plain("x", 4), plain("y")
    step = summed(x, y, (0,), kind="max")
    backward, adjoints = differentiate((step,), {y: None}, (x,))
    (found,) = run((step, *backward), {x: [1.0, 5.0, 5.0, 2.0]}, [adjoints[x]])
    assert found.tolist() == [0, 1, 0, 0]


def test_a_stopped_reduction_counts_as_a_constant():
    x, y = batched("x", 3), batched("y")
    steps = (summed(x, y, (0,), kind="max", stop=True),)
    assert differentiate(steps, {y: Tensor("g", (), batched=True)}, (x,)) == ((), {})


@pytest.mark.parametrize("kind", [ArgMax, Random])
def test_what_has_no_derivative_gives_none(kind):
    x, y = batched("x", 3), batched("y")
    step = ArgMax(inputs=(x,), outputs=(y,)) if kind is ArgMax else Random(inputs=(), outputs=(y,), node=1)
    assert differentiate((step,), {y: batched("g")}, (x,))[1] == {}


def test_only_what_lies_between_is_differentiated():
    w, z, v, unused = plain("w", 3), batched("z", 3), batched("v", 3), batched("unused", 3)
    total = plain("total")
    steps = (
        mapped(sin(x0), z, out=unused),
        mapped(x0 * x1, w, z, out=v),
        summed(v, total, (0,), batch=True),
    )
    backward, adjoints = differentiate(steps, {total: None}, (w,))
    assert set(adjoints) == {w}
    assert not any(unused in step.inputs for step in backward)
    assert not any(t.shape == (3,) and t.batched and "z" in t.name for s in backward for t in s.outputs)


REALS = [t for t in LEAVES if t.kind == "real"]


def along(values, direction, offset):
    return {t: v + offset * direction[t] if t in direction else v for t, v in values.items()}


def slope(function, spacing=1e-3):
    """Five-point rule at 0."""
    values = [function(k * spacing) for k in (-2, -1, 1, 2)]
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * spacing)


@given(step_lists())
def test_gradients_of_random_steps(steps):
    values = random_values(LEAVES, BATCH, spread=0.5)
    direction = random_values(REALS, BATCH, seed=2, spread=0.3)
    goal = steps[-1].output
    backward, adjoints = differentiate(steps, {goal: None}, REALS)
    found = run((*steps, *backward), values, list(adjoints.values()))
    derived = sum(float((g * direction[t]).sum()) for t, g in zip(adjoints, found, strict=True))
    difference = slope(lambda offset: float(run(steps, along(values, direction, offset), [goal])[0]))
    assert derived == pytest.approx(difference, rel=1e-6, abs=1e-6)


@given(step_lists(longest=6))
def test_second_derivatives_of_random_steps(steps):
    """Differentiation applied twice: Hessian times vector against differences of the gradient."""
    values = random_values(LEAVES, BATCH, spread=0.5)
    direction = random_values(REALS, BATCH, seed=2, spread=0.3)
    goal = steps[-1].output
    backward, adjoints = differentiate(steps, {goal: None}, REALS)
    both = (*steps, *backward)
    vectors = {adjoints[t]: Tensor(f"direction {t}", t.shape, t.batched) for t in adjoints}
    assume(len(vectors) == len(adjoints))  # where two leaves share one adjoint, its seed stands for both
    known = values | {vectors[adjoints[t]]: direction[t] for t in adjoints}
    second, products = differentiate(both, vectors, REALS)
    found = run((*both, *second), known, list(products.values()))
    probe = random_values(REALS, BATCH, seed=3)
    derived = sum(float((h * probe[t]).sum()) for t, h in zip(products, found, strict=True))

    def sloped(offset):
        gradient = run(both, along(values, probe, offset), list(adjoints.values()))
        return sum(float((g * direction[t]).sum()) for t, g in zip(adjoints, gradient, strict=True))

    assert derived == pytest.approx(slope(sloped), rel=1e-5, abs=1e-5)
