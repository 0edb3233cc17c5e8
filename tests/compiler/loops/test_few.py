"""The schedule for few samples, against numpy."""

from itertools import product

import numpy as np
import pytest
from effort import FULL
from hypothesis import given, settings
from hypothesis import strategies as st
from native_programs import assert_as_numpy, assert_close
from programs import LEAVES, experiment, step_lists

from deltaplan.compiler.plan import compile_plans
from deltaplan.compiler.steps import Map, MatMul, Reduce, Tensor, View
from deltaplan.plugins.expressions import argument, exp, maximum
from deltaplan.runtime.backends.native.bind import NativeBound
from deltaplan.runtime.backends.numpy.bind import bind, target_key
from deltaplan.runtime.dropout import fill
from deltaplan.runtime.initial import initial

pytestmark = pytest.mark.light

x0, x1 = argument("x0"), argument("x1")
BATCHES = (1, 2, 3, 4)
SHAPES = ((3, 5), (17, 4), (64, 64), (10, 33), (33, 130), (130, 16))


def layer(rows, columns):
    """An affine layer with its skip, and all of its gradient, from the gradient of what comes out."""
    w, b = Tensor("W", (rows, columns)), Tensor("b", (rows,))
    z, g = Tensor("z", (columns,), True), Tensor("g", (rows,), True)
    v, y, s = (Tensor(name, (rows,), True) for name in ("v", "y", "s"))
    dv, db, dw = Tensor("dv", (rows,), True), Tensor("db", (rows,)), Tensor("dW", (rows, columns))
    back, dz = Tensor("back", (columns,), True), Tensor("dz", (columns,), True)
    steps = (
        MatMul(inputs=(w, z), outputs=(v,)),
        Map(inputs=(v, b), outputs=(y,), expressions=(maximum(x0 + x1, 0),)),
        Map(inputs=(y, v), outputs=(s,), expressions=(x0 * x1,)),
        Map(inputs=(s, g), outputs=(dv,), expressions=(x0 * x1,)),
        Reduce(inputs=(dv,), outputs=(db,), kind="sum", axes=(), batch=True),
        MatMul(inputs=(dv, z), outputs=(dw,), transpose_b=True),
        MatMul(inputs=(w, dv), outputs=(back,), transpose_a=True),
        Map(inputs=(back, z), outputs=(dz,), expressions=(x0 + x1,)),
    )
    return steps, (w, b, z, g)


@pytest.mark.parametrize(
    ("batch", "dtype"),
    [
        pytest.param(batch, dtype, marks=[pytest.mark.long] * (dtype != precision))
        for batch, precision in zip(BATCHES, ["float32", "float64", "float64", "float32"], strict=True)
        for dtype in ("float32", "float64")
    ],
)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_a_layer_and_its_gradient(shape, dtype, batch):
    steps, leaves = layer(*shape)
    assert_as_numpy(steps, leaves, batch, dtype)


def test_a_view_of_a_sum_is_not_there_before_the_sum():
    """As layer_norm takes the mean: each number of a sample against a view of their sum."""
    x = Tensor("x", (19,), True)
    total, seen, apart = Tensor("t", (), True), Tensor("s", (1,), True), Tensor("d", (19,), True)
    steps = (
        Reduce(inputs=(x,), outputs=(total,), kind="sum", axes=(0,)),
        View(inputs=(total,), outputs=(seen,)),
        Map(inputs=(x, seen), outputs=(apart,), expressions=(x0 - x1,)),
        Reduce(inputs=(apart,), outputs=(Tensor("u", (), True),), kind="sum", axes=(0,)),
    )
    assert_as_numpy(steps, (x,), batch=3, inner="features")


@pytest.mark.parametrize("axes", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("kind", ["sum", "max"])
@pytest.mark.parametrize("over_batch", [False, True])
def test_reductions_over_any_axes(axes, kind, over_batch):
    x = Tensor("x", (3, 1, 19), True)
    shape = tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
    out = Tensor("r", shape, not over_batch)
    step = Reduce(inputs=(x,), outputs=(out,), kind=kind, axes=axes, batch=over_batch)
    for inner in ("features", "samples"):
        assert_as_numpy((step,), (x,), batch=3, inner=inner)


def test_sums_and_maps_in_one_pass_stay_inside_each_sample():
    """The numbers of a sample end where the next one begins: a partial vector must not be written whole."""
    x, m = Tensor("x", (19,), True), Tensor("m", (), True)
    e, t = Tensor("e", (19,), True), Tensor("t", (), True)
    steps = (
        Map(inputs=(x, m), outputs=(e,), expressions=(exp(x0 - x1),)),
        Reduce(inputs=(e,), outputs=(t,), kind="sum", axes=(0,)),
        Map(inputs=(e, t), outputs=(Tensor("y", (19,), True),), expressions=(x0 / x1,)),
    )
    assert_as_numpy(steps, (x, m), batch=4)


@given(step_lists(smooth=False), st.sampled_from(BATCHES), st.sampled_from(["features", "samples"]))
@settings(max_examples=15)
def test_any_list_of_steps(steps, batch, inner):
    used = {t for step in steps for t in step.inputs}
    assert_as_numpy(steps, [t for t in LEAVES if t in used], batch, inner=inner)


MODELS = {
    "classes": (("input 20", "dense 33 tanh", "output 12"), "mean(cross_entropy) + l2(0.01)"),
    "residual": (("input 20", "dense 24, 24 leaky_relu residual", "output 2"), "sum(squared_error)"),
    "dropout": (("input 20", "dense 40 relu", "dropout 0.3", "output 3"), "mean(squared_error) + l1(0.1)"),
    "narrow": (("input 2", "dense 3, 3 tanh", "output 1"), "mean(squared_error)"),
    "shrinking": (("input 20", "dense 30 tanh", "dense 9 sigmoid", "output 1"), "mean(huber(1.0))"),
}


@pytest.mark.parametrize(
    ("batch", "dtype"),
    [
        pytest.param(batch, dtype, marks=[pytest.mark.long] * (number % 3 > 0))
        for number, (batch, dtype) in enumerate(product(BATCHES, ["float64", "float32"]))
    ],
)
@pytest.mark.parametrize(
    "model", [pytest.param(m, marks=FULL if m in ("classes", "residual") else ()) for m in MODELS]
)
def test_a_model_buffer_by_buffer(model, batch, dtype):
    lines, minimize = MODELS[model]
    outputs = int(lines[-1].split()[1])
    targets = "digit" if "cross_entropy" in minimize else outputs
    spec = experiment(*lines, inputs=20 if "20" in lines[0] else 2, targets=targets, minimize=minimize)
    plans = compile_plans(spec)
    for plan in (plans.train, plans.predict):
        _compare(plan, initial(spec.graph, 3), batch, dtype)


def _compare(plan, theta, batch, dtype, seed=0):
    """The plan fused by what fits together, and with every tensor in memory of its own."""
    random, rows = np.random.default_rng(seed), np.arange(batch) * 7 + 3

    def draw(node, out):
        fill(out, 11, 5, node, rows)

    theta = (theta + 0.01 * random.normal(size=theta.size)).astype(dtype)
    expected = bind(plan, {"θ": theta, "g": np.zeros_like(theta)}, batch, draw=draw, reuse=False)
    given = [_native(plan, theta, batch, rows, fused) for fused in (True, False)]
    classes = {target_key(name): t.size for name, t in plan.trace.outputs.items()}
    for key, array in expected.data.items():
        whole = array.dtype == np.intp
        array[...] = (
            random.integers(0, classes[key], array.shape) if whole else random.normal(size=array.shape)
        )
        for bound in given:
            bound.data[key][...] = array
    expected.scale[...] = 1 / batch
    with np.errstate(all="ignore"):
        expected.run()
    for bound, tensors in zip(given, (plan.kept, _every(plan)), strict=True):
        bound.scale[...] = 1 / batch
        bound.run()
        for tensor in tensors:
            assert_close(np.asarray(expected[tensor]), bound[tensor], dtype, tensor.name)


def _native(plan, theta, batch, rows, fused):
    vectors = {"θ": theta.copy(), "g": np.zeros_like(theta)}
    bound = NativeBound(plan, vectors, batch, fused=fused, reuse=fused, inner="features")
    bound.draws(11, 5, rows)
    return bound


def _every(plan):
    return [t for step in plan.steps if not isinstance(step, View) for t in step.outputs]
