"""θ along the way: what is kept is what a shorter run ends with."""

import signal

import numpy as np
import pytest
from trainings import trained

import deltaplan
from deltaplan.runtime.initial import initial

SPEC = """
model wave {{ input 1; dense 5, 5 tanh; output 1 }}
data {{ csv "wave.csv"; inputs t; targets y }}
train {{
    minimize mean(squared_error)
    optimizer adam(lr=1e-2)
    {length}
    batch 16
    record parameters every=3
}}
"""


def experiment(specs, length="epochs 7"):
    return deltaplan.loads(SPEC.format(length=length), name="wave.dl", folder=specs)


@pytest.mark.parametrize(("unit", "each"), [("epochs", 4), ("steps", 1)])
def test_what_is_kept_is_what_a_shorter_run_ends_with(unit, each):
    """10 samples in batches of 3 are 4 steps an epoch."""
    options = {"batch": 3, "optimizer": "adam(0.01)"}
    found = trained(length=f"{unit} 5", more="record parameters every=2", **options).recorded
    assert found.steps.tolist() == [0, 2 * each, 4 * each]
    for count, theta in zip((2, 4), found.theta[1:], strict=True):
        shorter = trained(length=f"{unit} {count}", **options)
        np.testing.assert_allclose(theta, shorter.theta, rtol=1e-12)


def test_it_begins_before_the_first_step():
    spec = experiment_of("steps 1")
    run = deltaplan.train(spec, np.zeros((4, 1)), np.ones(4), backend="numpy")
    assert run.recorded.steps.tolist() == [0]
    np.testing.assert_array_equal(run.recorded.theta[0], initial(spec.graph, 0).astype(np.float32))


def experiment_of(length):
    return deltaplan.loads(
        "model m { input 1; dense 3 tanh; output 1 }\n"
        f"train {{ minimize mean(squared_error); optimizer adam; {length}; record parameters every=2 }}"
    )


def test_without_the_line_nothing_is_kept():
    assert trained().recorded is None


def test_the_way_is_saved_with_the_run(specs, tmp_path):
    run = deltaplan.train(experiment(specs), runs=tmp_path, backend="numpy")
    again = deltaplan.open(run.folder)
    assert again.recorded.steps.tolist() == [0, 9, 18]
    assert again.recorded.theta.dtype == np.float32
    np.testing.assert_array_equal(again.recorded.theta, run.recorded.theta)


def test_a_resumed_run_has_the_whole_way(specs, tmp_path):
    def stop(record):
        if record.step == 12:
            signal.raise_signal(signal.SIGINT)

    whole = deltaplan.train(experiment(specs), backend="numpy")
    cut = deltaplan.train(experiment(specs), runs=tmp_path, progress=stop, backend="numpy")
    assert cut.recorded.steps.tolist() == [0, 9]
    rest = deltaplan.train(experiment(specs), resume=deltaplan.open(cut.folder), backend="numpy")
    np.testing.assert_array_equal(rest.recorded.steps, whole.recorded.steps)
    np.testing.assert_array_equal(rest.recorded.theta, whole.recorded.theta)


def test_what_diverged_is_not_kept(specs):
    """The second step is what spoils it: θ after it is not finite."""
    found = trained(optimizer="sgd(1e200)", length="steps 9", more="record parameters every=1")
    assert found.ended == "diverged"
    assert found.recorded.steps.tolist() == [*range(found.step + 1)]
    assert np.isfinite(found.recorded.theta).all()
