"""The training loop: the same seed gives the same bits, and every end keeps what was reached."""

import hashlib
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from trainings import NET, dataset, part, problem, trained

from deltaplan.runtime.batches import Batches
from deltaplan.runtime.initial import initial
from deltaplan.runtime.numpy_trainer import RECORDS

TESTS = Path(__file__).parents[1]
HASHED = """
from test_train import fingerprint
print(fingerprint())
"""


def fingerprint():
    """A hash of the parameters of runs with dropout, batches, residuals and Adam, in both precisions."""
    digest = hashlib.sha256()
    for precision in ("float32", "float64"):
        outcome = trained(
            *("input 1", "dense 5, 5 tanh residual", "dropout 20%", "dense 4 elu", "output 1"),
            minimize="mean(squared_error) + l1(1e-3) + l2(1e-2, on=biases)",
            length="epochs 5",
            optimizer="adam(lr=0.01)",
            batch=3,
            precision=precision,
        )
        digest.update(outcome.theta.tobytes())
        digest.update(repr(outcome.history).encode())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_bits_in_another_process():
    path = os.pathsep.join(
        [str(TESTS), str(TESTS / "runtime"), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    found = subprocess.run(
        [sys.executable, "-c", HASHED],
        env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "4242"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == fingerprint()


def test_another_seed_gives_another_run():
    a, b = trained(seed=1), trained(seed=2)
    assert not np.array_equal(a.theta, b.theta)


def test_training_begins_at_the_initial_parameters_and_follows_the_gradient():
    """Plain gradient descent on all samples, by hand."""
    whole = problem(minimize="mean(squared_error) + l2(0.01)")
    theta = initial(whole.experiment.graph, 7)
    for _ in range(10):
        theta = theta - 0.1 * whole.objective_grad(theta)
    outcome = trained(minimize="mean(squared_error) + l2(0.01)")
    np.testing.assert_allclose(outcome.theta, theta, rtol=1e-10)
    assert (outcome.ended, outcome.step) == ("complete", 10)


@pytest.mark.parametrize("samples", [9, 10])
def test_epochs_are_as_many_steps_as_they_have_batches(samples):
    epochs = trained(samples=samples, length="epochs 4", batch=3)
    steps = trained(samples=samples, length=f"steps {4 * -(-samples // 3)}", batch=3)
    assert epochs.step == steps.step == 4 * -(-samples // 3)
    np.testing.assert_array_equal(epochs.theta, steps.theta)
    assert epochs.history == steps.history


def test_steps_may_end_inside_an_epoch():
    outcome = trained(samples=10, length="steps 6", batch=3)
    assert outcome.step == 6
    assert [(r.step, r.epoch) for r in outcome.history] == [(4, 1), (6, 2)]


def test_a_batch_of_all_samples_is_a_full_batch_in_another_order():
    full, batch = trained(), trained(batch=10)
    np.testing.assert_allclose(full.theta, batch.theta, rtol=1e-12)


def test_history_tells_losses_before_and_after():
    outcome = trained(minimize="mean(squared_error) + l2(0.01)", validation=4)
    whole = problem(minimize="mean(squared_error) + l2(0.01)")
    theta = initial(whole.experiment.graph, 7)
    first, last = outcome.history[0], outcome.history[-1]
    assert first.loss == pytest.approx(whole.loss(theta))
    assert first.objective == pytest.approx(whole.objective(theta))
    assert [r.step for r in outcome.history] == [r.epoch for r in outcome.history] == list(range(1, 11))
    checked = part(4, seed=1)
    other = type(whole)(whole.experiment, checked.x, checked.y)
    assert last.validation_loss == pytest.approx(other.loss(outcome.theta))


@pytest.mark.parametrize("average", ["mean", "sum"])
def test_the_loss_of_an_epoch_is_that_of_all_its_samples(average):
    """With a learning rate of 0 the parameters stay."""
    options = {"minimize": f"{average}(squared_error)", "optimizer": "sgd(lr=0)"}
    outcome = trained(batch=3, length="steps 4", **options)
    whole = problem(**options)
    expected = whole.loss(initial(whole.experiment.graph, 7))
    assert outcome.history[-1].loss == pytest.approx(expected)
    begun = trained(batch=3, length="steps 7", **options).history[-1]
    seen = np.concatenate(list(Batches(10, 3, seed=7).epoch(1))[:3])
    losses = whole.per_sample_loss(initial(whole.experiment.graph, 7))[seen]
    assert begun.loss == pytest.approx(losses.mean() * (10 if average == "sum" else 1))


def test_progress_sees_each_record_as_it_is_made():
    seen = []
    outcome = trained(progress=seen.append)
    assert tuple(seen) == outcome.history


def test_a_long_history_is_thinned_and_has_the_last_step():
    outcome = trained("input 1", "output 1", length=f"steps {2 * RECORDS + 1}", samples=2)
    steps = [r.step for r in outcome.history]
    assert len(steps) <= RECORDS + 1
    assert steps[-1] == 2 * RECORDS + 1
    assert all(b - a <= 3 for a, b in pairwise(steps))


@pytest.mark.parametrize("batch", ["full", 3])
def test_ctrl_c_keeps_what_was_reached(batch):
    def stop(record):
        if record.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    outcome = trained(length="epochs 100", batch=batch, progress=stop, backend="numpy")
    uninterrupted = trained(length="epochs 3", batch=batch, backend="numpy")
    assert (outcome.ended, outcome.step) == ("interrupted", uninterrupted.step)
    np.testing.assert_array_equal(outcome.theta, uninterrupted.theta)
    assert outcome.history == uninterrupted.history
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_is_not_held_back():
    def stop(record):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trained(progress=stop)


def test_ctrl_c_in_the_last_step_is_a_complete_run():
    outcome = trained(progress=lambda r: r.step == 10 and signal.raise_signal(signal.SIGINT))
    assert outcome.ended == "complete"


def test_an_exception_in_progress_leaves_the_signal_as_it_was():
    def fail(record):
        raise RuntimeError("progress")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="progress"):
        trained(progress=fail)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    "optimizer", ["sgd(lr=0.05)", "sgd(lr=0.05, momentum=0.9, nesterov=true)", "adam(lr=0.05)"]
)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_training_brings_the_objective_down(optimizer, precision):
    outcome = trained(length="steps 100", optimizer=optimizer, precision=precision)
    assert outcome.theta.dtype == np.dtype(precision)
    assert outcome.history[-1].objective < 0.5 * outcome.history[0].objective


def test_single_precision_follows_double():
    single, double = trained(precision="float32"), trained(precision="float64")
    np.testing.assert_allclose(single.theta, double.theta, rtol=1e-4, atol=1e-5)


def test_dropout_is_drawn_anew_in_each_step_and_off_in_validation():
    lines = ("input 1", "dense 20 tanh", "dropout 50%", "output 1")
    outcome = trained(*lines, optimizer="sgd(lr=0)", validation=5, seed=3)
    assert len({r.loss for r in outcome.history}) == 10
    assert len({r.validation_loss for r in outcome.history}) == 1


def test_a_sample_keeps_its_dropout_wherever_it_stands_in_the_batch():
    lines = ("input 1", "dense 20 tanh", "dropout 50%", "output 1")
    full = trained(*lines, length="steps 1")
    batch = trained(*lines, length="steps 1", batch=10)
    np.testing.assert_allclose(full.theta, batch.theta, rtol=1e-12)


def test_dropout_on_average_changes_nothing():
    """A linear net: the mean of many masked outputs is the output."""
    lines = ("input 1", "dense 400", "dropout 30%", "output 1")
    options = {"optimizer": "sgd(lr=0)", "minimize": "mean(absolute_error)"}
    data = dataset(1)
    data.parts["train"].y["output"][:] = -100.0  # below every output: the loss is u + 100
    outcome = trained(*lines, length="steps 2000", data=data, **options)
    clean = trained(*lines[:2], lines[3], length="steps 1", data=data, **options)
    losses = np.array([r.loss for r in outcome.history])
    spread = losses.std() / np.sqrt(len(losses))
    assert spread > 0
    assert losses.mean() == pytest.approx(clean.history[0].loss, abs=5 * spread)


def test_states_of_the_optimizer_are_kept():
    assert set(trained(optimizer="adam(lr=0.01)").states) == {"m", "v"}
    assert set(trained(optimizer="sgd(lr=0.01)").states) == set()
    assert set(trained(optimizer="sgd(lr=0.01, momentum=0.5)").states) == {"velocity"}


def test_the_outcome_is_a_copy():
    outcome = trained(*NET)
    assert outcome.theta.base is None
