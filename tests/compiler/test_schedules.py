"""Schedules and clipping in the update of a spec, and in training."""

import numpy as np
import pytest
from programs import experiment
from trainings import trained

import deltaplan
from deltaplan.compiler.plan import compile_plans
from deltaplan.plugins.expressions import evaluate
from deltaplan.runtime.backends.numpy.update import BoundUpdate

pytestmark = pytest.mark.light


def update_of(optimizer, **options):
    spec = experiment(
        "input 2", "dense 2 tanh bias=false", "output 1", inputs=2, optimizer=optimizer, **options
    )
    return compile_plans(spec).update


def test_a_schedule_is_a_scalar_of_the_update():
    update = update_of("sgd(lr=step(1, at=[2, 4]), momentum=linear(0.9, end=0.5))", length="epochs 8")
    assert update.arguments == {"epoch"}
    values = [sorted(evaluate(e, {"epoch": 4.0}) for e in update.scalars.values())]
    assert values == [pytest.approx([0.01, 0.7])]


def test_in_a_run_of_so_many_steps_it_counts_steps():
    update = update_of("sgd(lr=cosine(1))", length="steps 8")
    assert update.arguments == {"t"}
    (rate,) = update.scalars.values()
    assert [evaluate(rate, {"t": t}) for t in (1, 5)] == pytest.approx([1, 0.5])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_clipping_by_hand(dtype):
    update = update_of("sgd(lr=0.5, momentum=0.9)", length="steps 8", more="clip norm=1.5")
    assert update.arguments == {"gnorm"}
    random = np.random.default_rng(0)
    theta, gradient = random.normal(size=7).astype(dtype), np.zeros(7, dtype)
    bound = BoundUpdate(update, {"θ": theta, "g": gradient})
    w, velocity = theta.astype(np.float64), np.zeros(7)
    for t, size in enumerate([0.1, 10.0, 1.4999, 1.5001, 0.0, 1e10], start=1):
        slope = random.normal(size=7)
        gradient[:] = size * slope / np.linalg.norm(slope)
        bound.run(t)
        norm = np.linalg.norm(gradient.astype(np.float64))
        velocity = 0.9 * velocity + gradient * (1.5 / norm if norm > 1.5 else 1)
        w = w - 0.5 * velocity
        tolerance = 1e-13 if dtype is np.float64 else 1e-5
        np.testing.assert_allclose(theta, w, rtol=0, atol=tolerance * np.abs(w).max())


def test_what_is_short_enough_stays_as_it_is():
    """To the bit."""
    plain = trained(optimizer="sgd(0.1)")
    np.testing.assert_array_equal(trained(optimizer="sgd(0.1)", more="clip norm=1e6").theta, plain.theta)
    assert not np.array_equal(trained(optimizer="sgd(0.1)", more="clip norm=0.01").theta, plain.theta)


def test_a_clipped_step_is_as_long_as_the_spec_says():
    first, after = (
        trained(optimizer="sgd(1)", more="clip norm=0.25", length=f"steps {n}").theta for n in (1, 2)
    )
    assert np.linalg.norm(after - first) == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize("batch", ["full", 3])
def test_an_epoch_has_one_rate(batch):
    """10 samples in batches of 3 are 4 steps; the rate is 0 from the third epoch on."""
    short = trained(optimizer="adam(0.01)", batch=batch, length="epochs 2")
    long = trained(optimizer="adam(step(0.01, at=2, factor=0))", batch=batch, length="epochs 5")
    np.testing.assert_array_equal(long.theta, short.theta)


PLUGIN = '''
from deltaplan.plugins.api import length, required, schedule

@schedule("halving", base=required(), every=length())
def halving(t, base, every):
    """base · 2^(−t/every)"""
    return base * 2 ** (-t / every)
'''
SPEC = """
use "./halving.py"
model m { input 1; output 1 }
data { csv "line.csv"; inputs t; targets y }
train { minimize mean(squared_error); optimizer sgd(halving(0.1)); epochs 4 }
"""


def test_a_run_keeps_the_schedule_of_a_plugin(tmp_path):
    """It opens without the file."""
    plugin = tmp_path / "halving.py"
    plugin.write_text(PLUGIN)
    (tmp_path / "line.csv").write_text("t,y\n0,1\n1,3\n2,5\n")
    run = deltaplan.train(deltaplan.loads(SPEC, folder=tmp_path), runs=tmp_path / "runs")
    plugin.unlink()
    optimizer = deltaplan.open(run.folder).experiment.train.optimizer
    assert str(optimizer) == "sgd(halving(base=0.1, every=4), 0, false)"
