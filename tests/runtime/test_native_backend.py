"""Plans on the native backend against numpy: buffer by buffer, from one state, with every kernel at work."""

from pathlib import Path

import numpy as np
import pytest
from effort import FULL
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import experiment

import deltaplan
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.backends.native.bind import NativeBound
from deltaplan.runtime.backends.native.target import host, named
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.random import Purpose, uniform

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.dl"))
PICTURES = {"digits_cnn", "digits_resnet", "unet"}  # test_native_layers has what they are made of
SMALL = [p for p in SPECS if p.stem not in PICTURES and p.parent.name != "networks"]
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
PRIMES = [n for n in range(41, 258) if all(n % d for d in range(2, 17))]
CANARY = 12345.678
SEED, STEP = 11, 5

MODELS = {
    "activations": (
        "input 3",
        "dense 5 sigmoid",
        "dense 5 tanh",
        "dense 5 relu",
        "dense 5 elu",
        "dense 5 softplus",
        "dense 5 silu",
        "dense 5 gelu",
        "dense 5 mish",
        "dense 5 0.5*leaky_relu(0.2)",
        "output 2",
    ),
    "wide": ("input 70", "dense 67 tanh", "dense 33 relu", "output 19"),
    "skips": ("input 4", "dense 6, 6 tanh residual", "dense 9 relu residual=project", "output 3"),
    "wide skips": ("input 20", "dense 40, 40 relu residual", "output 4"),
    "dropout": ("input 9", "dense 30 relu", "dropout 30%", "dense 7 tanh", "dropout 50%", "output 3"),
    "joins": ("input 5", "a = dense 4 tanh", "b = dense 4 relu from input", "concat from a, b", "output 2"),
}
LOSSES = {
    "squared": "mean(squared_error) + l2(0.01)",
    "absolute": "sum(absolute_error) + l1(0.1)",
    "huber": "mean(huber)",
    "logistic": "mean(logistic) + l2(0.1, on=biases)",
    "spectral": "mean(squared_error) + spectral(0.1)",
}


def leaves(plan, batch, dtype, seed=0):
    """Data for the inputs and targets of a plan."""
    random = np.random.default_rng(seed)
    data = {name: random.normal(size=(t.size, batch)).astype(dtype) for name, t in plan.trace.inputs.items()}
    for name, tensor in plan.trace.targets.items():
        shape = (tensor.size, batch) if tensor.shape else (batch,)
        if tensor.kind == "index":
            data[f"target {name}"] = random.integers(0, plan.trace.outputs[name].size, shape)
        else:
            data[f"target {name}"] = random.uniform(0.1, 0.9, shape).astype(dtype)
    return data


def bounds(plan, batch, dtype, **options):
    """The plan on numpy, unfused step by step, and on the native backend."""
    random = np.random.default_rng(1)
    theta = (random.normal(size=plan.trace.length) * 0.4).astype(dtype)
    theta[plan.trace.size :] = random.uniform(0.5, 1.5, plan.trace.length - plan.trace.size)
    data = leaves(plan, batch, dtype)
    vectors = [{"θ": theta.copy(), "g": np.zeros_like(theta)} for _ in range(2)]

    def draw(node, out):
        found = uniform(Purpose.DROPOUT, SEED, STEP, node, (batch, out.size // batch), bits=24)
        out[...] = found.T.reshape(out.shape)

    reference = bind(plan, vectors[0], batch, data, draw, reuse=False)
    reference.scale[...] = 1 / batch
    native = NativeBound(plan, vectors[1], batch, **options)
    native.scale[...] = 1 / batch
    native.draws(SEED, STEP, np.arange(batch))
    for name, array in native.data.items():
        array[...] = data[name].reshape(array.shape)
    return reference, native


def lost(plan, batch, tensor, expected):
    """What numpy itself loses in single precision: where terms cancel, or a variance is next to nothing,
    the order of a sum makes as much of a difference."""
    exact, _ = bounds(plan, batch, "float64", fused=False, reuse=False)
    exact.run()
    return np.abs(exact[tensor] - expected).max(initial=0.0)


def compare(plan, batch, dtype, **options):
    """Runs both and compares every tensor that the native program has in memory."""
    reference, native = bounds(plan, batch, dtype, **options)
    with np.errstate(all="ignore"):
        reference.run()
    native.run()
    seen = 0
    for tensor in dict.fromkeys(t for step in plan.steps for t in step.outputs):
        if tensor.name in native.program.spots and (tensor in plan.kept or not options.get("reuse", True)):
            expected, found = reference[tensor].astype(np.float64), native[tensor].astype(np.float64)
            error = np.abs(found - expected).max(initial=0.0)
            scale = np.abs(expected).max(initial=0.0)
            floor = 0.1 * TOLERANCE[dtype]  # sums of numbers near 1 that cancel, as those of a batch_norm
            if error > TOLERANCE[dtype] * scale + floor and dtype == "float32":
                floor += 8 * lost(plan, batch, tensor, expected)
            assert error <= TOLERANCE[dtype] * scale + floor, (tensor.name, error, scale)
            seen += 1
    assert seen


def every_plan(spec):
    plans = compile_plans(spec)
    return [p for p in (plans.train, plans.evaluate, plans.predict) if p is not None]


def check(spec, batch, dtype, target=None, every=False):
    """The plans that train and predict, or `every` one, fused as they are used; each step by itself of the
    first, or of `every` plan."""
    plans = every_plan(spec)
    for plan in plans if every else (plans[0], plans[-1]):
        compare(plan, batch, dtype, target=target)
        if every or plan is plans[0]:
            compare(plan, batch, dtype, fused=False, reuse=False, target=target)


ALIKE = (
    "iris",
    "wine",
    "diabetes",
    "fit",
    "sunspots",
    "two_and_two",
)  # small dense nets, as others that are full


def each_spec():
    """Every spec in one precision; in the exhaustive tests in both, and all nets of the lecture."""
    for number, path in enumerate(SMALL):
        alike = path.parent.name == "lecture" and path.stem not in ("45x5", "slopes", "norms", "digits")
        for dtype in ("float64", "float32"):
            more = alike or dtype != ("float64", "float32")[number % 2]
            marks = [pytest.mark.long] * more + [pytest.mark.light] * (path.stem in ALIKE)
            yield pytest.param(path, dtype, marks=marks, id=f"{path.parent.name}/{path.stem} {dtype}")


@pytest.mark.parametrize(("path", "dtype"), list(each_spec()))
def test_every_spec(path, dtype):
    check(deltaplan.load(path), 9, dtype)


@pytest.mark.light
@pytest.mark.parametrize("batch", [1, 7, pytest.param(16, marks=FULL), 33])
def test_sizes_of_batches_in_float(batch):
    check(experiment(*MODELS["wide"], inputs=70, targets=19), batch, "float32")


@pytest.mark.light
@pytest.mark.parametrize("batch", [3, 8, pytest.param(31, marks=FULL), 97])
def test_sizes_of_batches_in_double(batch):
    check(experiment(*MODELS["skips"], inputs=4, targets=3), batch, "float64")


@pytest.mark.light
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.long)])
@pytest.mark.parametrize("model", [pytest.param(m, marks=FULL if m == "dropout" else ()) for m in MODELS])
def test_layers_and_activations(model, dtype):
    lines = MODELS[model]
    inputs, outputs = int(lines[0].split()[1]), int(lines[-1].split()[1])
    check(experiment(*lines, inputs=inputs, targets=outputs), 18, dtype)


@pytest.mark.light
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_penalties(loss):
    check(
        experiment("input 3", "dense 7 tanh", "output 2", inputs=3, targets=2, minimize=LOSSES[loss]),
        21,
        "float64",
    )


@pytest.mark.parametrize("dtype", [pytest.param("float64", marks=pytest.mark.light), "float32"])
def test_the_spectral_norm_of_wide_layers(dtype):
    lines, minimize = ("input 70", "dense 90 tanh", "output 3"), "mean(squared_error) + spectral(0.1)"
    check(experiment(*lines, inputs=70, targets=3, minimize=minimize), 5, dtype)


@pytest.mark.parametrize(
    "classes", [2, 17, *(pytest.param(count, marks=pytest.mark.long) for count in (10, 16, 40))]
)
def test_classes(classes):
    spec = experiment(
        "input 3", "dense 7 tanh", f"output {classes}", inputs=3, minimize="mean(cross_entropy)"
    )
    check(spec, 21, "float64")


@pytest.mark.parametrize("name", ["avx512", "avx2", "x86-64"])
def test_narrower_vectors(name):
    if named(name).vector > host().vector:
        pytest.skip("this processor has no such vectors")
    for dtype in TOLERANCE:
        check(experiment(*MODELS["wide"], inputs=70, targets=19), 19, dtype, target=named(name))


@pytest.mark.light
@pytest.mark.parametrize("model", ["skips", "wide", "dropout"])
def test_nothing_outside_the_buffers_is_touched(model):
    lines = MODELS[model]
    inputs, outputs = int(lines[0].split()[1]), int(lines[-1].split()[1])
    plan = compile_plans(experiment(*lines, inputs=inputs, targets=outputs)).train
    for batch in (3, 11, 32):
        _, native = bounds(plan, batch, "float64", fused=True, reuse=False, redzone=24)
        arena = native._arrays["arena"]
        arena[:] = CANARY
        native.run()
        untouched = np.ones(len(arena), bool)
        for tensor in {t for step in plan.steps for t in step.outputs}:
            spot = native.program.spots.get(tensor.name)
            if spot is not None and spot.space == "arena":
                untouched[spot.offset : spot.offset + native.program.axes.numbers(tensor)] = False
        assert (arena[untouched] == CANARY).all()
        assert untouched.sum() > 24


@pytest.mark.parametrize("value", [np.nan, -np.inf, pytest.param(np.inf, marks=pytest.mark.long)])
def test_what_is_not_finite_comes_through(value):
    """As on numpy, to the objective and to the gradient."""
    for model in ("wide", "activations"):
        lines = MODELS[model]
        inputs, outputs = int(lines[0].split()[1]), int(lines[-1].split()[1])
        plan = compile_plans(experiment(*lines, inputs=inputs, targets=outputs)).train
        reference, native = bounds(plan, 6, "float64")
        for bound in (reference, native):
            bound.data["input"][0, 2] = value
            with np.errstate(all="ignore"):
                bound.run()
        objective = plan.trace.objective
        assert np.isfinite(native[objective]) == np.isfinite(reference[objective])
        names = [p.tensor for p in plan.parts if p.vector == "g"]
        for tensor in names:
            np.testing.assert_array_equal(np.isfinite(native[tensor]), np.isfinite(reference[tensor]))


def test_two_bindings_give_the_same_bits():
    plan = compile_plans(experiment(*MODELS["dropout"], inputs=9, targets=3)).train
    found = []
    for _ in range(2):
        _, native = bounds(plan, 33, "float32")
        native.run()
        found.append(native._arrays["g"].copy())
    np.testing.assert_array_equal(*found)


ACTIVATIONS = ("tanh", "relu", "leaky_relu(0.1)", "elu", "sigmoid", "softplus", "gelu", "")
RANDOM_LOSSES = {"mean(squared_error)": 0, "sum(huber)": 0, "mean(logistic)": 1, "mean(cross_entropy)": 0}


@st.composite
def models(draw):
    """Layers of 1 to 40 numbers with skips and dropout, a loss, penalties, as a spec."""
    width = inputs = draw(st.integers(1, 30))

    lines = [f"input {inputs}"]
    for _ in range(draw(st.integers(0, 4))):
        before, width = width, draw(st.integers(1, 40))
        fitting = ("residual=project",) if width < before else ("residual=project", "residual=pad")
        skip = draw(st.sampled_from(("", "", *fitting)))
        lines.append(f"dense {width} {draw(st.sampled_from(ACTIVATIONS))} {skip}")
        lines += ["dropout 30%"] if draw(st.booleans()) else []
    loss = draw(st.sampled_from(sorted(RANDOM_LOSSES)))
    outputs = draw(st.integers(2, 20)) if "cross" in loss else draw(st.integers(1, 20))
    penalty = draw(st.sampled_from(("", " + l2(0.01)", " + l1(0.01, on=biases)")))
    targets = 1 if "cross" in loss else outputs
    return experiment(*lines, f"output {outputs}", inputs=inputs, targets=targets, minimize=loss + penalty)


@pytest.mark.light
@settings(max_examples=4)
@given(models(), st.integers(1, 40), st.sampled_from(sorted(TOLERANCE)))
def test_random_models(spec, batch, dtype):
    check(spec, batch, dtype)


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(models(), st.integers(1, 257), st.sampled_from(sorted(TOLERANCE)))
def test_many_random_models(spec, batch, dtype):
    check(spec, batch, dtype, every=True)


@pytest.mark.long
@pytest.mark.parametrize("batch", [*range(1, 41), *PRIMES])
def test_all_sizes_of_batches(batch):
    for model in ("wide", "skips", "dropout"):
        lines = MODELS[model]
        inputs, outputs = int(lines[0].split()[1]), int(lines[-1].split()[1])
        for dtype in TOLERANCE:
            check(experiment(*lines, inputs=inputs, targets=outputs), batch, dtype, every=True)
