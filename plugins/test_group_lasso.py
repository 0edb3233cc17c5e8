"""group_lasso: its value for each block, and its rest at zero."""

import math
from pathlib import Path

import pytest

import deltaplan
from deltaplan.plugins.expressions import evaluate
from deltaplan.plugins.loader import load_file

HERE = Path(__file__).parent
(GROUP_LASSO,) = load_file(HERE / "group_lasso.py")


def test_the_value_of_one_block():
    value = evaluate(GROUP_LASSO.expression, {"w": [1.0, -2.0, 2.0], "strength": 0.5})
    assert value == pytest.approx(0.5 * math.sqrt(3) * 3, rel=1e-15)


def test_each_layer_is_a_block():
    problem = deltaplan.problem(deltaplan.load(HERE / "specs" / "group_lasso.dl"))
    theta = [math.sin(3.0 * i) for i in range(problem.size)]
    weights = [p for p in problem.parameters if p.name.endswith(".W")]
    norms = [math.sqrt(p.size * sum(w * w for w in theta[p.offset : p.end])) for p in weights]
    assert len(norms) == 3
    assert problem.objective(theta) - problem.loss(theta) == pytest.approx(1e-4 * sum(norms), rel=1e-10)


def test_the_pull_on_a_block_is_its_direction_and_rests_at_zero():
    problem = deltaplan.problem(deltaplan.load(HERE / "specs" / "group_lasso.dl"))
    (block,) = (p for p in problem.parameters if p.name == "dense2.W")
    theta = problem.objective_grad([0.0] * problem.size) * 0 + 0.01
    theta[block.offset : block.end] = 0.0
    pull = problem.objective_grad(theta) - problem.grad(theta)
    assert not pull[block.offset : block.end].any()
    theta[block.offset] = -0.2
    pull = problem.objective_grad(theta) - problem.grad(theta)
    assert pull[block.offset] == pytest.approx(-1e-4 * math.sqrt(block.size), rel=1e-10)
