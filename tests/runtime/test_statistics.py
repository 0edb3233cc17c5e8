"""Running statistics: in training, in predictions, in a run's folder and in the runs that go on from it."""

import hashlib
import signal

import numpy as np
import pytest

import deltaplan

SPEC = """
model norms {{
    input 3
    body = dense 6 bias=false
    norm = batch_norm tanh {options}
    output 1
}}
train {{
    minimize mean(squared_error)
    optimizer adam(lr=1e-2)
    epochs {epochs}
    batch {batch}
    seed 3
    precision float64
    {more}
}}
"""
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(loc=[1.0, -2.0, 0.5], scale=[2.0, 0.5, 1.0], size=(50, 3))
Y = np.sin(X[:, :1]) + X[:, 1:2]


def experiment(options="", epochs=6, batch=16, more=""):
    return deltaplan.loads(SPEC.format(options=options, epochs=epochs, batch=batch, more=more))


def train(spec, **options):
    return deltaplan.train(spec, X, Y, **{"runs": None, "backend": "numpy"} | options)


def blocks(run):
    return {name: np.array(block) for name, block in run.saved.parameters.items()}


def by_hand(run, x, mean, variance):
    p = blocks(run)
    v = (x @ p["body.W"].T - mean) / np.sqrt(variance + 1e-5)
    return np.tanh(v * p["norm.scale"] + p["norm.b"]) @ p["output.W"].T + p["output.b"]


def test_predictions_are_by_the_running_statistics_of_each_sample_alone():
    run = train(experiment())
    p = blocks(run)
    expected = by_hand(run, X, p["norm.mean"], p["norm.variance"])
    np.testing.assert_allclose(run.predict(X), expected, rtol=1e-12)
    np.testing.assert_allclose(run.predict(X[:1]), expected[:1], rtol=1e-12)


def test_full_batches_bring_the_statistics_to_those_of_the_data():
    """With nothing else trained, the mean moves from 0 by a tenth of its distance in each of 60 steps."""
    run = train(experiment(epochs=60, batch="full", more="only output"))
    p = blocks(run)
    v = X @ p["body.W"].T
    left = 0.9**60
    np.testing.assert_allclose(p["norm.mean"], (1 - left) * v.mean(0), rtol=1e-10)
    np.testing.assert_allclose(p["norm.variance"], left + (1 - left) * v.var(0, ddof=1), rtol=1e-10)


def test_statistics_are_no_parameters():
    run = train(experiment())
    assert len(run.theta) == 3 * 6 + 2 * 6 + 7 == deltaplan.problem(run.experiment, X, Y).size
    assert run.statistics.shape == (12,)
    np.testing.assert_array_equal(run.statistics[:6], blocks(run)["norm.mean"])


def test_a_problem_takes_the_statistics_of_a_run():
    run = train(experiment())
    problem = deltaplan.problem(run.experiment, X, Y, statistics=run.statistics)
    np.testing.assert_allclose(problem.outputs(run.theta), run.predict(X), rtol=1e-12)
    at_first = deltaplan.problem(run.experiment, X, Y).outputs(run.theta)
    np.testing.assert_allclose(at_first, by_hand(run, X, 0.0, 1.0), rtol=1e-12)


def test_a_run_keeps_its_statistics(tmp_path):
    run = train(experiment(), runs=tmp_path)
    again = deltaplan.open(run.folder)
    np.testing.assert_array_equal(again.statistics, run.statistics)
    np.testing.assert_array_equal(again.predict(X), run.predict(X))
    assert again.score(X, Y) == run.score(X, Y)


def bits(run):
    arrays = [run.model.theta, *run.saved.state.values(), *run.saved.counters.values()]
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def test_an_interrupted_run_goes_on_with_the_same_bits(tmp_path):
    whole = train(experiment())

    def stop(record):
        if record.step == 8:
            signal.raise_signal(signal.SIGINT)

    cut = train(experiment(), runs=tmp_path, progress=stop)
    assert cut.ended == "interrupted"
    rest = train(experiment(), resume=deltaplan.open(cut.folder))
    assert bits(rest) == bits(whole)


def test_the_best_parameters_have_the_statistics_of_their_own_step(tmp_path):
    text = """
data {{ csv "xy.csv"; inputs a, b, c; targets y; split train=60% validation=40% }}
"""
    np.savetxt(tmp_path / "xy.csv", np.hstack([X, Y]), delimiter=",", header="a,b,c,y", comments="")
    spec = (text + SPEC).format(options="", epochs=40, batch=10, more="keep best")
    run = deltaplan.train(deltaplan.loads(spec, folder=tmp_path), runs=None, backend="numpy")
    best = min(record["validation_loss"] for record in run.history)
    assert run.metrics["validation"]["loss"] == pytest.approx(best, rel=1e-12)


def test_a_frozen_norm_uses_its_statistics_and_leaves_them(tmp_path):
    first = train(experiment(), runs=tmp_path)
    more = f'warm_start "{first.folder}" on=[body, norm]'
    second = train(experiment(options="freeze", more=more))
    np.testing.assert_array_equal(second.statistics, first.statistics)
    assert not np.array_equal(blocks(second)["body.W"], blocks(first)["body.W"])


def test_what_has_no_native_code_yet_is_told_and_runs():
    for options in ("", "freeze"):
        run = deltaplan.train(experiment(options=options, epochs=1), X, Y, runs=None)
        assert run.ended == "complete"
        assert [w.code for w in run.warnings] in ([], ["native-unavailable"])


def test_a_run_begins_with_the_statistics_of_another(tmp_path):
    first = train(experiment(), runs=tmp_path)
    more = f'warm_start "{first.folder}" on=norm\n    only output'
    second = train(experiment(epochs=1, batch="full", more=more))
    v = X @ blocks(second)["body.W"].T
    moved = 0.9 * first.statistics[:6] + 0.1 * v.mean(0)
    np.testing.assert_allclose(second.statistics[:6], moved, rtol=1e-12)


def test_divergence_leaves_finite_statistics():
    spec = experiment(epochs=50)
    x = X.copy()
    x[7] = 1e200
    run = deltaplan.train(spec, x, Y, runs=None, backend="numpy")
    assert run.ended == "diverged"
    assert (run.divergence.node, run.divergence.value) == ("norm", "infinite")
    assert np.isfinite(run.model.theta).all()


def test_a_batch_of_one_sample_has_no_variance():
    """49 samples in batches of 16 leave a last one of 1 sample."""
    run = deltaplan.train(experiment(), X[:49], Y[:49], runs=None, backend="numpy")
    assert run.ended == "complete"
    assert np.isfinite(run.predict(X)).all()
