"""Many seeds at once with metrics that are followed, recorded parameters and a warm start: each net is the
one that its seed gives by itself."""

import numpy as np
import pytest
from effort import FULL
from programs import experiment

import deltaplan
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.ensemble import prepared, train_together
from deltaplan.runtime.seeds import seeded, train_seeds
from deltaplan.runtime.train import train

pytestmark = pytest.mark.light

SPLIT = "; standardize inputs; split train=60% validation=40%"


def given(model, targets, more, precision="float64", **options):
    """A spec and its samples in memory; with three outputs they are classes."""
    spec = experiment(*model, inputs=2, targets=targets, more=more, precision=precision, **options)
    random = np.random.default_rng(3)
    x = random.normal(size=(40, 2))
    classes = "output 3" in model
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5) if classes else np.sin(2 * x.sum(1)) * 3 + 1
    return spec, dataset_from_memory(spec, x, y)


def regression(more, split=SPLIT, **options):
    model = ("input 2", "dense 6 tanh", "output 1")
    options = {"optimizer": "adam(lr=0.05)", "length": "epochs 12", "batch": 8} | options
    return given(model, f"t0{split}", more, **options)


def classes(more, split=SPLIT, **options):
    model = ("input 2", "dense 6 tanh", "output 3")
    options = {
        "minimize": "mean(cross_entropy)",
        "optimizer": "adam(lr=0.05)",
        "length": "epochs 12",
    } | options
    return given(model, f"t0{split}", more, **options)


CASES = {
    "numbers": lambda: regression("monitor r2, mae, huber"),
    "numbers in batches, on the training part": lambda: regression("monitor rmse", split=""),
    "classes": lambda: classes("monitor accuracy, f1"),
    "classes of single precision": lambda: classes("monitor accuracy, f1", precision="float32"),
    "ended by a metric": lambda: classes("monitor accuracy; stop_early patience=3 on=accuracy; keep best"),
    "recorded": lambda: regression("record parameters every=3"),
}


def lanes(spec, data, seeds):
    """All seeds as lanes, whatever is faster."""
    ready = prepared(spec, data, compile_plans(spec))
    return train_together(ready, [seeded(spec, seed) for seed in seeds])


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=FULL if case in ("numbers", "classes of single precision") else ())
        for case in CASES
    ],
)
def test_a_net_among_others_tells_what_it_tells_by_itself(case):
    spec, data = CASES[case]()
    spec_precision = spec.train.precision
    seeds = range(host().vector // 8 + 3)
    found = lanes(spec, data, seeds)
    tolerance = 1e-8 if spec_precision == "float64" else 1e-3
    for seed in (0, 1, seeds[-1]):
        one, other = found.outcome(seed), train(seeded(spec, seed), data, backend="native")
        assert (one.ended, one.step) == (other.ended, other.step)
        np.testing.assert_allclose(one.theta, other.theta, rtol=tolerance, atol=tolerance)
        for mine, theirs in zip(one.history, other.history, strict=True):
            assert mine.metrics.keys() == theirs.metrics.keys()
            assert mine.to_data() == pytest.approx(theirs.to_data(), rel=tolerance, abs=tolerance)
        if other.recorded:
            np.testing.assert_array_equal(one.recorded.steps, other.recorded.steps)
            np.testing.assert_allclose(one.recorded.theta, other.recorded.theta, rtol=1e-8, atol=1e-10)
        else:
            assert one.recorded is None


def test_the_best_metric_is_that_of_each_net():
    spec, data = CASES["ended by a metric"]()
    found = lanes(spec, data, range(9))
    assert len(set(found.steps.tolist())) > 1
    for seed in range(9):
        other = train(seeded(spec, seed), data, backend="native")
        for name in ("best", "best_step", "waited"):
            assert float(found.counters[name][seed]) == float(other.counters[name])


def test_a_metric_of_arrays_is_followed_one_by_one():
    spec, data = classes("monitor auc")
    found = train_seeds(spec, data, (1, 2))
    assert "validation_auc" in found.outcome(2).history[0].metrics


def test_all_seeds_begin_with_the_parameters_of_a_run(tmp_path):
    """What `on=` names is the same in all of them, the rest is drawn from their seeds."""
    first, data = regression("")
    x, y = data.parts["train"].x["input"].T, data.parts["train"].y["output"][0]
    run = deltaplan.train(first, x, y, runs=tmp_path)
    spec, data = regression(f'warm_start "{run.folder}" on=dense1; record parameters every=1')
    found = lanes(spec, data, range(10))
    begun = np.array([way.theta[0] for way in found.recorded])
    for places in (slice(0, 12), slice(18, 24)):  # W1 and, behind the weights, b1
        np.testing.assert_array_equal(begun[:, places], np.repeat(run.theta[None, places], 10, axis=0))
    assert len(np.unique(begun[:, 12])) == 10
    other = train(seeded(spec, 4), data, backend="native")
    np.testing.assert_allclose(found.outcome(4).theta, other.theta, rtol=1e-9, atol=1e-12)
