"""The hand-written reference of the benchmarks computes what deltaplan computes."""

import numpy as np
import pytest

from benchmarks.contenders.by_numpy import digits_net, factored_norms, residual_net
from benchmarks.workloads import named, w6, workload
from deltaplan.runtime.batches import Batches
from deltaplan.runtime.train import train


def compare(work, theta, layers):
    """Every block of the reference beside that of deltaplan."""
    found = named(work.experiment, theta)
    names = [name.removesuffix(".W") for name in found if name.endswith(".W")]
    for name, w, b in zip(names, layers.W, layers.b, strict=True):
        np.testing.assert_allclose(found[f"{name}.W"], w, rtol=0, atol=1e-12 * np.abs(w).max())
        np.testing.assert_allclose(found[f"{name}.b"], b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("spec", ["specs/lecture/3x5.dl", "specs/lecture/45x5.dl"])
def test_residual_nets(spec):
    work = workload("W", spec, "float64", 20)
    outcome, net = train(work.experiment, work.dataset, work.plans, backend="numpy"), residual_net(work)
    losses = [net.step() for _ in range(20)]
    compare(work, outcome.theta, net.layers)
    assert outcome.history[-1].loss == pytest.approx(losses[-1], rel=1e-12)


def test_the_classifier_of_digits():
    work = workload("W3", "benchmarks/w3.dl", "float64", 1)
    outcome, net = train(work.experiment, work.dataset, work.plans, backend="numpy"), digits_net(work)
    settings, count = work.experiment.train, len(work.dataset.parts["train"])
    order = np.concatenate(list(Batches(count, settings.batch, settings.seed).epoch(0)))
    loss = net.epoch(order)
    compare(work, outcome.theta, net.layers)
    assert outcome.history[-1].loss == pytest.approx(loss, rel=1e-12)


def test_both_begin_with_the_same_parameters():
    work = workload("W1", "specs/lecture/3x5.dl", "float64", 1)
    assert sum(w.size + b.size for w, b in work.blocks) == 78


def test_norms_of_gradients_by_their_factors():
    """W6: numpy by hand and what deltaplan's contender calls."""
    import deltaplan

    work = w6("float64")
    assert len(work.samples[1]) == 1797
    found = deltaplan.problem(work.experiment).per_sample_gradient_norms(work.theta)
    np.testing.assert_allclose(factored_norms(work)(), found, rtol=1e-11)
