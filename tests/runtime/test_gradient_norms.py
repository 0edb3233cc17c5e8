"""The norm of each sample's gradient: recorded layers and others beside the gradient of each sample alone."""

from pathlib import Path

import numpy as np
import pytest
from effort import FULL
from programs import experiment

import deltaplan
from deltaplan.runtime.problem import Problem

pytestmark = pytest.mark.light

LAYERS = Path(__file__).parents[1] / "reference" / "layers"
MODELS = {
    "dense": ("input 3", "dense 5 tanh", "dense 4x2 relu residual", "output 2"),
    "no_bias": ("input 3", "dense 5 tanh bias=false", "output 2 bias=false"),
    "sparse": ("input 3", "sparse 7 density=40% tanh", "sparse 5 density=30% elu", "output 2"),
    "shared": ("input 3", "a = dense 3 tanh", "dense 3 tanh share=a", "dense 3 share=a residual", "output 2"),
    "shared_sparse": ("input 4", "a = sparse 4 density=40% tanh", "sparse 4 density=40% share=a", "output 2"),
    "norms": ("input 3", "dense 4", "layer_norm tanh", "scale", "batch_norm", "dropout 0.5", "output 2"),
    "none": ("input 2", "dense 2 tanh freeze", "output 2"),
    "shared_conv": (
        "input 12", "reshape 3x2x2", "a = conv 2 kernel=2 padding=same tanh",
        "conv 2 kernel=2 padding=same share=a", "flatten", "output 2",
    ),
    "shared_scale": ("input 3", "a = scale", "dense 3 tanh", "scale share=a", "output 2"),
}  # fmt: skip


def one_by_one(problem, theta):
    """‖∇ℓ‖ by a problem for each sample: the plan of training, on a batch of one."""
    found = []
    for n in range(problem.samples):
        inputs = {name: x[..., n : n + 1] for name, x in problem._inputs.items()}
        targets = {
            name.removeprefix("target "): y[..., n : n + 1]
            for name, y in problem._data.items()
            if name.startswith("target ")
        }
        own = Problem(problem.experiment, inputs, targets, statistics=problem._vector[problem.size :])
        found.append(np.linalg.norm(own.grad(theta)))
    return np.array(found)


def at_recorded(name):
    """The problem of a recorded case and its θ."""
    arrays = np.load(LAYERS / f"{name}.npz")
    net = deltaplan.load(LAYERS / f"{name}.dl")
    problem = deltaplan.problem(net, arrays["x"], arrays["y"])
    theta = np.zeros(problem.size)
    for block, values in problem.split(theta).items():
        values[...] = arrays[f"value {block}"]
    return problem, theta


CURVATURE = np.load(LAYERS.parent / "curvature.npz")


@pytest.mark.parametrize("name", sorted({key.split()[0] for key in CURVATURE}))
def test_norms_and_hessian_vector_products_are_those_of_pytorch(name):
    problem, theta = at_recorded(name)
    norms = CURVATURE[f"{name} norms"]
    np.testing.assert_allclose(problem.per_sample_gradient_norms(theta), norms, rtol=1e-9)
    v, expected = np.zeros_like(theta), np.zeros_like(theta)
    for key, vector in {"v": v, "hvp": expected}.items():
        for block, values in problem.split(vector).items():
            values[...] = CURVATURE[f"{name} {key} {block}"]
    np.testing.assert_allclose(problem.hvp(theta, v), expected, rtol=0, atol=1e-9 * abs(expected).max())


@pytest.mark.parametrize("name", sorted(path.stem for path in LAYERS.glob("*.npz")))
def test_recorded_layers(name):
    problem, theta = at_recorded(name)
    found = problem.per_sample_gradient_norms(theta)
    np.testing.assert_allclose(found, one_by_one(problem, theta), rtol=1e-12)


LOSSES = ("mean(squared_error) + l2(0.1)", "sum(huber)", "mean(cross_entropy)")


@pytest.mark.parametrize(
    ("name", "minimize"),
    [
        pytest.param(name, minimize, marks=[pytest.mark.long] * ((model + loss) % 3 > 0))
        for model, name in enumerate(MODELS)
        for loss, minimize in enumerate(LOSSES)
    ],
)  # each model with one of the losses, and with the others in the exhaustive tests
def test_other_layers(name, minimize):
    lines = MODELS[name]
    width, classes = int(lines[0].split()[1]), "cross_entropy" in minimize
    net = experiment(*lines, inputs=width, targets="k" if classes else 2, minimize=minimize)
    random = np.random.default_rng(5)
    x = random.normal(size=(width, 9))
    y = np.arange(9) % 2 if classes else random.normal(size=(2, 9))
    problem = Problem(net, {"input": x}, {"output": y})
    theta = problem.initial(1) + 0.1 * random.normal(size=problem.size)
    found = problem.per_sample_gradient_norms(theta)
    np.testing.assert_allclose(found, one_by_one(problem, theta), rtol=1e-12)


def test_the_norm_of_a_dense_layer_is_a_product():
    """‖∇ℓ‖² = ‖u − y‖²(‖x‖² + 1) for one affine layer and ½‖u − y‖²."""
    net = experiment("input 3", "output 2", inputs=3, targets=2)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(3, 600)), random.normal(size=(2, 600))  # more than a block
    problem = Problem(net, {"input": x}, {"output": y})
    theta = random.normal(size=problem.size)
    residual = problem.outputs(theta) - y.T
    expected = np.sqrt((residual**2).sum(1) * ((x**2).sum(0) + 1))
    np.testing.assert_allclose(problem.per_sample_gradient_norms(theta), expected, rtol=1e-12)
    stacked = problem.per_sample_gradient_norms(np.array([theta, 0 * theta]))
    np.testing.assert_array_equal(stacked[0], problem.per_sample_gradient_norms(theta))
    assert stacked.shape == (2, 600)


def test_a_block_of_another_form_is_computed_sample_by_sample(monkeypatch):
    """A plugin's layer may use its weights in ways that no product of factors covers."""
    from deltaplan.runtime import individual

    lines = MODELS["dense"]
    net = experiment(*lines, inputs=3, targets=2)
    random = np.random.default_rng(2)
    data = {"input": random.normal(size=(3, 4))}, {"output": random.normal(size=(2, 4))}
    theta = random.normal(size=Problem(net, *data).size)
    expected = Problem(net, *data).per_sample_gradient_norms(theta)
    monkeypatch.setattr(individual, "norms_plan", lambda trace: None)
    np.testing.assert_allclose(Problem(net, *data).per_sample_gradient_norms(theta), expected, rtol=1e-12)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("minimize", ["mean(squared_error)", "mean(cross_entropy)"])
@pytest.mark.parametrize("name", ["dense", "shared", pytest.param("norms", marks=FULL)])
def test_machine_code_gives_the_same(monkeypatch, name, minimize, precision):
    from deltaplan.runtime import individual, native_norms

    made = []
    init = native_norms.NativeNorms.__init__
    monkeypatch.setattr(
        native_norms.NativeNorms, "__init__", lambda self, *a: (made.append(1), init(self, *a))[1]
    )
    classes = "cross_entropy" in minimize
    net = experiment(*MODELS[name], inputs=3, targets="k" if classes else 2, minimize=minimize)
    random = np.random.default_rng(5)
    y = np.arange(50) % 2 if classes else random.normal(size=(2, 50))
    data = {"input": random.normal(size=(3, 50))}, {"output": y}
    theta = Problem(net, *data).initial(1)
    expected = Problem(net, *data).per_sample_gradient_norms(theta)
    monkeypatch.setattr(individual, "WORTH", 0)
    found = Problem(net, *data).per_sample_gradient_norms(theta, precision=precision)
    np.testing.assert_allclose(found, expected, rtol=1e-12 if precision == "float64" else 1e-4)
    assert made
