"""What is frozen stays to the bit and costs no gradient; rates of places are factors of the optimizer's."""

import numpy as np
import pytest
from programs import experiment
from trainings import dataset, parameters, problem, trained

from deltaplan.compiler.plan import compile_plans
from deltaplan.compiler.steps import MatMul
from deltaplan.runtime.initial import initial
from deltaplan.runtime.train import train

pytestmark = pytest.mark.light

NET = ("input 1", "a = dense 4 tanh", "b = dense 3 tanh", "output 1")
FROZEN = ("input 1", "a = dense 4 tanh", "b = dense 3 tanh freeze", "output 1")


def moved(*model, more="", **options):
    """The names of the parameter blocks that training changes."""
    spec = experiment(*model, more=more, optimizer="adam(0.1)", **options)
    outcome, first = train(spec, dataset()), initial(spec.graph, 7)
    blocks = parameters(*model)
    return {p.name for p in blocks if (outcome.theta[p.offset : p.end] != first[p.offset : p.end]).all()} | {
        f"part of {p.name}"
        for p in blocks
        if 0 < (outcome.theta[p.offset : p.end] != first[p.offset : p.end]).sum() < p.size
    }


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ("", {"a.W", "a.b", "b.W", "b.b", "output.W", "output.b"}),
        ("only output", {"output.W", "output.b"}),
        ("only biases", {"a.b", "b.b", "output.b"}),
        ("only b, a", {"a.W", "a.b", "b.W", "b.b"}),
        ("only [b, output]", {"b.W", "b.b", "output.W", "output.b"}),
    ],
)
def test_only_what_is_named_moves(more, names):
    assert moved(*NET, more=more, minimize="mean(squared_error) + l2(0.1, on=parameters)") == names


def test_a_frozen_layer_stays():
    rest = {"a.W", "a.b", "output.W", "output.b"}
    assert moved(*FROZEN) == rest
    assert moved(*FROZEN, more="only a, b") == {"a.W", "a.b"}
    assert moved("input 1", "dense 4 tanh residual=project freeze", "output 1") == {"output.W", "output.b"}
    assert moved("input 1", "dense 4 tanh", "output 1 freeze") == {"dense1.W", "dense1.b"}


def test_what_is_frozen_has_no_gradient_and_no_part_of_the_update():
    plans = compile_plans(experiment(*FROZEN, minimize="mean(squared_error) + l2(0.1)"))
    assert not any(part.vector == "g" and "2" in part.tensor.name for part in plans.train.parts)
    assert [(p.begin, p.end) for p in plans.update.parts] == [(0, 4), (16, 23), (26, 27)]
    whole = compile_plans(experiment(*NET, minimize="mean(squared_error) + l2(0.1)"))
    products = [sum(isinstance(s, MatMul) for s in p.train.backward) for p in (whole, plans)]
    assert products[0] - products[1] == 1  # ∂W2
    only_last = compile_plans(experiment(*NET, more="only output"))
    assert sum(isinstance(s, MatMul) for s in only_last.train.backward) == 1


def test_the_trained_gradient_is_that_of_the_whole_problem():
    """Gradient descent by hand on the trained blocks; Ω is over all of them."""
    minimize = "mean(squared_error) + l2(0.3) + l1(0.1, on=parameters)"
    whole = problem(*NET, minimize=minimize)
    theta, still = initial(whole.experiment.graph, 7), np.zeros(whole.size)
    for block in whole.parameters:
        still[block.offset : block.end] = block.node == "b"
    for _ in range(10):
        theta = theta - 0.1 * np.where(still, 0, whole.objective_grad(theta))
    outcome = trained(*FROZEN, minimize=minimize)
    np.testing.assert_allclose(outcome.theta, theta, rtol=1e-10)
    assert outcome.history[-1].objective == pytest.approx(
        trained(*FROZEN, minimize=minimize).history[-1].objective
    )


def test_rates_of_places_are_multiplied():
    """One step of gradient descent."""
    more = "lr_scale 2 on=biases\n    lr_scale 0.25 on=[a, output]"
    first, plain, scaled = (
        trained(*NET, length=f"steps {n}", more=m).theta if n else initial(experiment(*NET).graph, 7)
        for n, m in ((0, ""), (1, ""), (1, more))
    )
    factors = {"a.W": 0.25, "a.b": 0.5, "b.W": 1, "b.b": 2, "output.W": 0.25, "output.b": 0.5}
    for block in parameters(*NET):
        part = slice(block.offset, block.end)
        expected = factors[block.name] * (plain - first)[part]
        np.testing.assert_allclose((scaled - first)[part], expected, rtol=1e-9, atol=1e-15)


def test_a_rate_of_a_schedule():
    short = trained(*NET, optimizer="sgd(step(0.1, at=1, factor=0))", more="lr_scale 5 on=a")
    once = trained(*NET, optimizer="sgd(0.1)", more="lr_scale 5 on=a", length="steps 1")
    np.testing.assert_array_equal(short.theta, once.theta)


def test_neighbours_with_one_formula_are_one_part():
    update = compile_plans(experiment(*NET, more="lr_scale 2 on=biases")).update
    assert [(p.begin, p.end) for p in update.parts] == [(0, 19), (19, 27)]
    assert len(compile_plans(experiment(*NET, more="lr_scale 2 on=parameters")).update.parts) == 1


def test_the_norm_that_clips_is_that_of_what_is_trained():
    """Weights that are not trained are so large that their penalty would take all of the norm."""
    first, after = (
        trained(
            *NET,
            minimize="mean(squared_error) + l2(1e6, on=a)",
            optimizer="sgd(1)",
            more="only output\n    clip norm=0.125",
            length=f"steps {n}",
        ).theta
        for n in (1, 2)
    )
    assert np.linalg.norm(after - first) == pytest.approx(0.125, rel=1e-12)
