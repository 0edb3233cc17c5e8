"""The C references of the benchmarks compute what deltaplan computes, from the same parameters."""

import numpy as np
import pytest

import deltaplan
from benchmarks import reference_c
from benchmarks.workloads import ROOT, w5, workload
from deltaplan.runtime.random import Purpose, permutation
from deltaplan.runtime.train import train

pytestmark = pytest.mark.skipif(not reference_c.installed(), reason="the references are compiled by gcc")
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
LOSSES = {"float64": 1e-12, "float32": 2e-6}


@pytest.fixture(autouse=True)
def flags(request, monkeypatch):
    """What is compared is the source: without most of the optimization, except in the exhaustive tests and
    for one of each kind of numbers."""
    if not request.node.get_closest_marker("long") and "residual" not in request.node.name:
        plain = tuple(flag.replace("-O3", "-O1") for flag in reference_c.FLAGS)
        monkeypatch.setattr(reference_c, "FLAGS", plain)


def close(found, expected, precision):
    limit = TOLERANCE[precision] * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=limit)


@pytest.mark.parametrize(
    ("spec", "depth", "precision"),
    [
        ("specs/lecture/3x5.dl", 3, "float64"),
        ("specs/lecture/45x5.dl", 45, "float32"),
        pytest.param("specs/lecture/3x5.dl", 3, "float32", marks=pytest.mark.long),
        pytest.param("specs/lecture/45x5.dl", 45, "float64", marks=pytest.mark.long),
    ],
)
def test_residual_nets(spec, depth, precision):
    work = workload("W", spec, precision, 5)
    net = reference_c.Residual(depth, work.theta, *work.samples, work.rate, precision)
    losses = net.train(5, recorded=True)
    outcome = train(work.experiment, work.dataset, work.plans, backend="numpy")
    expected = [record.loss for record in outcome.history]
    np.testing.assert_allclose(losses, expected, rtol=LOSSES[precision])
    close(net.state.value, outcome.theta, precision)


@pytest.mark.parametrize("precision", ["float64", pytest.param("float32", marks=pytest.mark.long)])
def test_a_net_with_snake(precision):
    work = workload("W1 snake", "benchmarks/w1_snake.dl", precision, 5)
    net = reference_c.Residual(3, work.theta, *work.samples, work.rate, precision, snake=1.0)
    net.train(5)
    close(net.state.value, train(work.experiment, work.dataset, work.plans, backend="numpy").theta, precision)


def test_training_goes_on_where_it_stopped():
    work = workload("W1", "specs/lecture/3x5.dl", "float64", 5)
    whole, parts = (
        reference_c.Residual(3, work.theta, *work.samples, work.rate, "float64") for _ in range(2)
    )
    losses = whole.train(5, recorded=True)
    np.testing.assert_array_equal([*parts.train(2, recorded=True), *parts.train(3, recorded=True)], losses)


@pytest.mark.parametrize("precision", TOLERANCE)
def test_the_classifier_of_digits(precision):
    """Two epochs: the order of the samples, and the last batch, which is smaller."""
    work = workload("W3", "benchmarks/w3.dl", precision, 2)
    x, y = work.samples
    net = reference_c.Digits(work.theta, x.T, y, work.rate, work.settings.seed, precision)
    losses = net.train(2)
    outcome = train(work.experiment, work.dataset, work.plans, backend="numpy")
    loose = 1 if precision == "float64" else 20  # 90 steps, not one
    np.testing.assert_allclose(
        losses, [r.loss for r in outcome.history], rtol=loose * LOSSES[precision], atol=0
    )
    np.testing.assert_allclose(
        net.state.value,
        outcome.theta,
        rtol=0,
        atol=loose * TOLERANCE[precision] * np.abs(outcome.theta).max(),
    )


def test_the_order_of_an_epoch_is_deltaplans():
    found, keys, placed = np.zeros(1437, np.int32), np.zeros(1437, np.uint64), np.zeros(1437, np.uint64)
    seed = 2**40 + 3
    shuffled = reference_c.library("digits", "float32").order_of_epoch
    vectors = [reference_c.pointer(a) for a in (found, keys, placed)]
    shuffled(*vectors, len(found), reference_c.c_uint64(seed), 5)
    np.testing.assert_array_equal(found, permutation(1437, seed, Purpose.SHUFFLE, step=5))


@pytest.mark.parametrize("precision", TOLERANCE)
def test_a_landscape(precision):
    experiment = deltaplan.load(ROOT / "specs/lecture/3x5.dl")
    problem, random = deltaplan.problem(experiment), np.random.default_rng(0)
    work = workload("W1", "specs/lecture/3x5.dl", "float64", 1)
    directions = random.normal(size=(2, problem.size))
    a, b = random.normal(size=(2, 37))
    found = reference_c.Landscape(work.theta, directions, a, b, *work.samples, precision).losses()
    thetas = work.theta + a[:, None] * directions[0] + b[:, None] * directions[1]
    np.testing.assert_allclose(found, problem.loss(thetas), rtol=10 * TOLERANCE[precision])


def test_predictions():
    work = workload("W3", "benchmarks/w3.dl", "float32", 1)
    problem = deltaplan.problem(work.experiment)
    x = work.samples[0].T[:64].astype(np.float32)
    u = problem.outputs(work.theta)[:64]
    expected = np.exp(u) / np.exp(u).sum(1, keepdims=True)
    predictor, many, one = reference_c.Predictor(work.theta), np.zeros((64, 10), "f4"), np.zeros(10, "f4")
    predictor.many(np.ascontiguousarray(x), many)
    predictor.one(np.ascontiguousarray(x[3]), one)
    np.testing.assert_allclose(many, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(one, expected[3], rtol=0, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", pytest.param("float64", marks=pytest.mark.long)])
def test_a_net_with_convolutions(precision):
    work = w5(precision, 3)
    x, y = work.samples
    net = reference_c.Convolution(work.theta, x.T, y, work.rate, work.momentum, work.settings.seed, precision)
    losses = np.array([*net.train(1), *net.train(2)])
    outcome = train(work.experiment, work.dataset, work.plans, backend="numpy")
    assert outcome.history[-1].loss == pytest.approx(losses.mean(), rel=10 * LOSSES[precision])
    close(net.state.value, outcome.theta, precision)
