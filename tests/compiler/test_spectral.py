"""The spectral norm as steps: numpy's singular values, and the derivative that singular vectors give."""

import numpy as np
import pytest

import deltaplan
from deltaplan.plugins.expressions import argument, evaluate, spectral_norm, to_text
from deltaplan.plugins.expressions.latex import to_latex

TAIL = "train { minimize MINIMIZE; optimizer sgd(lr=0.1); epochs 1; precision float64 }"


def problem(lines, minimize="mean(squared_error) + spectral(0.2)"):
    """The problem of a model on two samples."""
    spec = deltaplan.loads("model m { " + "; ".join(lines) + " }\n" + TAIL.replace("MINIMIZE", minimize))
    shapes = [node.shape for node in spec.graph if type(node).__name__ == "Input"]
    rng = np.random.default_rng(3)
    return deltaplan.problem(spec, rng.normal(size=(2, int(np.prod(shapes[0])))), rng.normal(size=(2, 2)))


def penalty(p, theta):
    return p.objective(theta) - p.loss(theta)


def slope(p, theta):
    return p.objective_grad(theta) - p.grad(theta)


MODELS = {
    "tall": ["input 3", "dense 7 tanh", "output 2"],
    "wide": ["input 9", "dense 4 tanh", "output 2"],
    "one row": ["input 5", "dense 1", "output 2"],
    "up to 64": ["input 90", "dense 64 relu", "output 2"],
    "a picture": ["input 5x4x2", "conv 3 kernel=2 relu", "flatten", "output 2"],
}


@pytest.mark.parametrize("lines", MODELS.values(), ids=MODELS)
def test_it_is_the_largest_singular_value(lines):
    p = problem(lines)
    theta = p.initial(5) + 0.1
    value, slopes = 0.0, {name: np.zeros(block.shape) for name, block in p.split(theta).items()}
    for name, block in p.split(theta).items():
        if name.endswith(".W"):
            u, s, v = np.linalg.svd(block.reshape(block.shape[0], -1), full_matrices=False)
            value += 0.1 * s[0] ** 2
            slopes[name] = 0.2 * s[0] * np.outer(u[:, 0], v[0]).reshape(block.shape)
    assert penalty(p, theta) == pytest.approx(value, rel=1e-12)
    for name, found in p.split(slope(p, theta)).items():
        assert np.abs(found - slopes[name]).max() <= 1e-9 * max(1, np.abs(slopes[name]).max()), name


def test_of_a_large_matrix_it_is_near_from_below_with_its_own_derivative():
    p = problem(["input 80", "dense 70", "output 2"])
    theta = p.initial(1)
    whole = sum(0.1 * np.linalg.norm(b, 2) ** 2 for n, b in p.split(theta).items() if n.endswith("W"))
    assert whole * 0.97 <= penalty(p, theta) <= whole * (1 + 1e-12)
    direction = np.random.default_rng(2).normal(size=theta.size)
    step = 1e-5
    by_differences = (penalty(p, theta + step * direction) - penalty(p, theta - step * direction)) / (
        2 * step
    )
    assert slope(p, theta) @ direction == pytest.approx(by_differences, rel=1e-6)


FAR = """\
regularizer far(w) = spectral_norm(w)
model m {{ input {columns}; a = dense {rows} bias=false; output 1 }}
train {{ minimize mean(squared_error) + far(on=a); optimizer sgd(lr=0.1); epochs 1; precision float64 }}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "rows", "low"), [(70, 70, 0.018), (128, 128, 0.032), (784, 256, 0.021)])
def test_how_far_below_it_is_of_first_values(columns, rows, low):
    """The figures of docs/language.md, by numpy's singular values of the first values of six seeds."""
    spec = deltaplan.loads(FAR.format(columns=columns, rows=rows))
    p = deltaplan.problem(spec, np.zeros((1, columns)), np.zeros((1, 1)))
    missing = []
    for seed in range(6):
        theta = p.initial(seed)
        missing.append(1 - penalty(p, theta) / np.linalg.norm(p.split(theta)["a.W"], 2))
    assert min(missing) >= -1e-12
    assert low - 0.002 < max(missing) <= low


def test_zero_and_equal_singular_values():
    p = problem(["input 4", "dense 4", "output 2"])
    zero = np.zeros(p.size)
    assert penalty(p, zero) == 0
    assert np.array_equal(slope(p, zero), zero)
    equal = zero.copy()
    p.split(equal)["dense1.W"][...] = 3 * np.eye(4)
    assert penalty(p, equal) == pytest.approx(0.9, rel=1e-12)
    flow = p.split(slope(p, equal))["dense1.W"]
    assert np.trace(flow) == pytest.approx(0.6, rel=1e-9)  # a subgradient: λσ Σ wᵢ uᵢvᵢᵀ with Σ wᵢ = 1


def test_places_and_factors():
    lines = ["input 3", "a = dense 4 tanh", "output 2"]
    p = problem(lines, "mean(squared_error) + 0.5*spectral(2, on=a) + spectral(1, on=biases)")
    theta = np.random.default_rng(4).normal(size=p.size)
    blocks = p.split(theta)
    biases = sum((blocks[name] ** 2).sum() for name in blocks if name.endswith(".b")) / 2
    weights = 0.5 * (np.linalg.norm(blocks["a.W"], 2) ** 2 + (blocks["a.b"] ** 2).sum())
    assert penalty(p, theta) == pytest.approx(weights + biases, rel=1e-12)


def test_one_of_ones_own():
    text = "regularizer steep(w; most = 1) = max(spectral_norm(w) - most, 0)\n"
    spec = deltaplan.loads(
        text.replace("max", "maximum")
        + "model m { input 3; dense 4 tanh; output 2 }\n"
        + TAIL.replace("MINIMIZE", "mean(squared_error) + steep(0.5)")
    )
    rng = np.random.default_rng(3)
    p = deltaplan.problem(spec, rng.normal(size=(2, 3)), rng.normal(size=(2, 2)))
    theta = rng.normal(size=p.size)
    norms = [np.linalg.norm(block, 2) for name, block in p.split(theta).items() if name.endswith(".W")]
    assert penalty(p, theta) == pytest.approx(sum(n - 0.5 for n in norms), rel=1e-12)


def test_its_texts():
    w = argument("w")
    assert to_text(spectral_norm(w) ** 2) == "spectral_norm(w)^2"
    assert to_latex(spectral_norm(w)) == r"\left\|w\right\|_2"
    assert evaluate(spectral_norm(w), {"w": [3.0, 4.0]}) == 5  # a matrix of one row
    spec = deltaplan.loads(
        "model m { input 3; output 2 }\n" + TAIL.replace("MINIMIZE", "mean(huber) + spectral(0.5)")
    )
    assert "‖W‖₂²" in str(spec)


def test_training_makes_nets_less_steep(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    y = np.sin(3 * x[:, :1])
    bounds = {}
    for minimize in ("mean(squared_error)", "mean(squared_error) + spectral(0.05)"):
        text = "model m { input 2; dense 16 tanh; output 1 }\n" + TAIL.replace("MINIMIZE", minimize)
        run = deltaplan.train(
            deltaplan.loads(text.replace("sgd(lr=0.1); epochs 1", "adam(0.02); epochs 200")), x, y
        )
        found = deltaplan.examine("lipschitz", run, x=x, y=y)
        bounds[minimize] = float(found.arrays["upper"])
    free, held = bounds.values()
    assert held < 0.6 * free
