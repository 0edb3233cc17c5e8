"""Values and slopes of nodes: by hand, and against finite differences through recorded layers."""

from pathlib import Path

import numpy as np
import pytest
from programs import experiment

import deltaplan
from deltaplan.runtime.problem import Problem

LAYERS = Path(__file__).parents[1] / "reference" / "layers"


def recorded(name):
    """The problem of a recorded case and its θ."""
    arrays = np.load(LAYERS / f"{name}.npz")
    net = deltaplan.load(LAYERS / f"{name}.dl")
    problem = deltaplan.problem(net, arrays["x"], arrays["y"])
    theta = np.zeros(problem.size)
    for block, values in problem.split(theta).items():
        values[...] = arrays[f"value {block}"]
    return problem, theta, arrays


@pytest.fixture
def small():
    net = experiment("input 2", "dense 3, 3 tanh residual", "output 1", inputs=2, targets=1)
    random = np.random.default_rng(0)
    problem = Problem(net, {"input": random.normal(size=(2, 7))}, {"output": random.normal(size=(1, 7))})
    return problem, problem.initial(3) + 0.3 * random.normal(size=problem.size)


def test_values_and_slopes_by_the_recursion(small):
    problem, theta = small
    blocks, values, slopes = problem.split(theta), problem.values(theta), problem.slopes(theta)
    z = values["dense2.skip"]
    u = z @ blocks["output.W"].T + blocks["output.b"]
    np.testing.assert_allclose(values["output"], u, rtol=1e-13)
    np.testing.assert_allclose(problem.outputs(theta), u, rtol=1e-13)
    last = slopes["output"]
    np.testing.assert_allclose(last[:, 0], (u - problem._data["target output"].T)[:, 0], rtol=1e-13)
    np.testing.assert_allclose(slopes["dense2.skip"], last @ blocks["output.W"], rtol=1e-13)


def test_curvatures_of_cross_entropy_by_hand():
    """diag(p) − ppᵀ of each sample."""
    layers = "input 2", "dense 3 tanh", "output 4"
    net = experiment(*layers, inputs=2, minimize="mean(cross_entropy)")
    random = np.random.default_rng(0)
    problem = Problem(net, {"input": random.normal(size=(2, 7))}, {"output": random.integers(0, 4, 7)})
    theta = problem.initial(3)
    p = np.exp(problem.outputs(theta))
    p /= p.sum(1, keepdims=True)
    expected = p[:, :, None] * np.eye(4) - p[:, :, None] * p[:, None]
    np.testing.assert_allclose(problem.curvatures(theta), expected, atol=1e-15)


@pytest.mark.parametrize("name", sorted(path.stem for path in LAYERS.glob("*.npz")))
def test_the_model_gives_what_was_recorded_and_slopes_sum_to_its_gradient(name):
    """δ of the output is u − y for ½‖u − y‖², and the partial of the output by each node takes it there."""
    if name.startswith("batch_norm"):
        pytest.skip("recorded in training")
    problem, theta, arrays = recorded(name)
    values, slopes = problem.values(theta), problem.slopes(theta)
    np.testing.assert_allclose(values["output"], arrays["outputs"], rtol=1e-9, atol=1e-12)
    residual = arrays["outputs"] - arrays["y"]
    np.testing.assert_allclose(slopes["output"], residual, rtol=1e-9, atol=1e-11)
    for node in values:
        taken = residual[2] @ problem.partial(theta, "output", node, sample=2)
        np.testing.assert_allclose(slopes[node][2], taken, rtol=1e-9, atol=1e-11)


def test_a_slope_is_a_difference_quotient_of_the_input(small):
    problem, theta = small
    x = problem._data["input"]
    for feature in range(2):
        moved = [x.copy(), x.copy()]
        for sign, array in zip((1, -1), moved, strict=True):
            array[feature] += sign * 1e-6
        losses = [
            Problem(problem.experiment, {"input": m}, {"output": problem._data["target output"]})
            .per_sample_loss(theta)
            for m in moved
        ]  # fmt: skip
        quotient = (losses[0] - losses[1]) / 2e-6
        np.testing.assert_allclose(problem.slopes(theta)["input"][:, feature], quotient, atol=1e-8)


def test_what_does_not_depend_has_no_slope(small):
    problem, theta = small
    nodes = list(problem.values(theta))
    assert not problem.partial(theta, "input", nodes[1]).any()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda p, t: p.partial(t, "output", "nowhere"), "no node `nowhere`"),
        (lambda p, t: p.partial(t, "output", "input", 7), "counted from 0"),
        (lambda p, t: p.values(np.array([t])), "a stack was given"),
        (lambda p, t: p.slopes(t[:-1]), "numbers"),
    ],
)
def test_what_is_wrong_is_told(small, call, told):
    problem, theta = small
    with pytest.raises(ValueError, match=told):
        call(problem, theta)
