"""Training that diverges names the step and the node, and keeps parameters that still make sense."""

import numpy as np
import pytest
from trainings import dataset, problem, trained

import deltaplan

pytestmark = pytest.mark.light


def told(found):
    """The message as the writer of the spec sees it."""
    return str(deltaplan.SpecError(found))


TOO_FAST = {"optimizer": "sgd(lr=1e2)", "length": "steps 100"}


@pytest.mark.parametrize("batch", ["full", 4])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_last_parameters_with_a_finite_objective_are_kept(precision, batch):
    outcome = trained(**TOO_FAST, precision=precision, batch=batch)
    assert outcome.ended == "diverged"
    assert 0 < outcome.step < 100
    shorter = trained(**TOO_FAST | {"length": f"steps {outcome.step}"}, precision=precision, batch=batch)
    np.testing.assert_array_equal(outcome.theta, shorter.theta)
    assert np.isfinite(outcome.theta).all()
    if batch == "full" and precision == "float64":
        assert np.isfinite(problem().objective(outcome.theta))


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_diagnostic_names_step_node_and_line(precision):
    outcome = trained(**TOO_FAST, precision=precision)
    found = outcome.divergence
    assert found.step == outcome.step + 2  # θ before the last update is kept
    assert found.span.text
    assert f"training diverged at step {found.step}: " in told(found)
    assert "smaller learning rate" in told(found)


def test_the_first_value_that_is_not_finite_is_named():
    """A deep product of weights overflows in the layer that is too much."""
    lines = ("input 1", "a = dense 1", "b = dense 1", "c = dense 1", "output 1")
    outcome = trained(*lines, optimizer="sgd(lr=1e150)", length="steps 9")
    found = outcome.divergence
    assert found.node in {"a", "b", "c", "output", "loss.squared_error"}
    assert found.what in {"the forward pass", "the backward pass"}
    assert found.value in {"infinite", "not a number"}


@pytest.mark.parametrize(
    ("array", "node", "what"), [("x", "input", "the data"), ("y", "output", "the targets")]
)
@pytest.mark.parametrize(("value", "word"), [(np.nan, "not a number"), (np.inf, "infinite")])
def test_spoiled_samples_are_named(array, node, what, value, word):
    data = dataset()
    next(iter(getattr(data.parts["train"], array).values()))[0, 3] = value
    outcome = trained(data=data)
    assert (outcome.ended, outcome.step) == ("diverged", 0)
    found = outcome.divergence
    assert (found.step, found.node, found.what, found.value) == (1, node, what, word)
    assert "learning rate" not in told(found)


def test_the_batch_with_the_spoiled_sample_is_the_step():
    data = dataset()
    data.parts["train"].x["input"][0, 3] = np.nan
    outcome = trained(data=data, batch=1, length="epochs 1", seed=7)
    clean = trained(batch=1, length=f"steps {outcome.divergence.step - 1}", seed=7)
    assert outcome.divergence.node == "input"
    assert clean.ended == "complete"


def test_an_update_that_overflows_is_named_with_its_step():
    outcome = trained(optimizer="sgd(lr=1e300)", length="steps 5", minimize="mean(squared_error) + l2(1e10)")
    assert outcome.ended == "diverged"
    assert outcome.divergence.node == "sgd"
    assert outcome.divergence.what == "the update"
    assert outcome.divergence.step == 1


def test_the_last_update_is_looked_at_too():
    """The only step was taken at finite parameters; what it led to is not."""
    outcome = trained(optimizer="sgd(lr=1e200)", length="steps 1")
    assert outcome.ended == "diverged"
    np.testing.assert_array_equal(outcome.theta, trained(optimizer="sgd(lr=0)", length="steps 1").theta)
    assert outcome.step == 0


def test_dropout_is_replayed():
    lines = ("input 1", "dense 5 relu", "dropout 50%", "output 1")
    outcome = trained(*lines, optimizer="sgd(lr=1e150)", length="steps 50")
    assert outcome.ended == "diverged"
    assert outcome.divergence.what in {"the forward pass", "the backward pass"}


def test_a_gradient_whose_square_overflows_is_told():
    lines = ("input 1", "output 1")
    data = dataset()
    data.parts["train"].x["input"][:] = 1e130
    data.parts["train"].y["output"][:] = 1e30
    outcome = trained(*lines, data=data, length="steps 3")
    assert outcome.ended == "diverged"
    assert outcome.divergence.span.text


def test_history_up_to_there_is_kept():
    outcome = trained(**TOO_FAST)
    assert [r.step for r in outcome.history] == list(range(1, outcome.divergence.step))
    assert all(np.isfinite(r.objective) for r in outcome.history)
