"""A problem of some blocks of θ alone is the whole problem with the others held."""

import numpy as np
import pytest

import deltaplan

SPEC = """
model m {{
    input 3
    {layers}
    output 2
}}
train {{
    minimize mean(cross_entropy) + l2(0.1) + l1(0.01, on=biases)
    optimizer sgd(lr=0.1)
    epochs 1
    batch full
}}
"""
LAYERS = (
    "dense 5, 4 tanh",
    "dense 6 relu; batch_norm; dense 3 residual=project",
    "dense 12; reshape 3x4; conv 2 kernel=2; flatten",
)


@pytest.fixture(params=LAYERS)
def problem(request):
    draws = np.random.default_rng(0)
    experiment = deltaplan.loads(SPEC.format(layers=request.param))
    return deltaplan.problem(experiment, x=draws.normal(size=(20, 3)), y=draws.integers(0, 2, 20))


@pytest.mark.parametrize("blocks", [("output.W", "output.b"), ("dense1.W",)])
def test_what_is_not_held_moves_as_in_the_whole(problem, blocks):
    theta = problem.initial(3)
    held = problem.held(theta, blocks)
    own = np.concatenate([problem.split(np.arange(theta.size))[name].ravel() for name in blocks]).astype(int)
    moved, way = theta.copy(), np.zeros(theta.size)
    moved[own] += np.random.default_rng(1).normal(0, 0.3, len(own))
    way[own] = np.random.default_rng(2).normal(size=len(own))
    value, gradient = held.objective_grad(moved)
    assert value == pytest.approx(problem.objective(moved), rel=1e-14)
    np.testing.assert_allclose(gradient[own], problem.objective_grad(moved)[own], rtol=0, atol=1e-14)
    for objective, whole in ((True, problem.objective_hvp), (False, problem.hvp)):
        found = held.hvp(moved, way, objective)[own]
        np.testing.assert_allclose(found, whole(moved, way)[own], rtol=0, atol=1e-13)
    np.testing.assert_allclose(held.curvatures(moved), problem.curvatures(moved), rtol=0, atol=1e-14)
