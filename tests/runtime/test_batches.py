"""Which samples each step sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import problem, trainer

from deltaplan.runtime.batches import Batches

sizes = st.integers(1, 50)


@given(sizes, sizes, st.integers(0, 2**64 - 1), st.integers(0, 9))
def test_an_epoch_visits_each_sample_once(samples, size, seed, number):
    batches = Batches(samples, size, seed)
    seen = list(batches.epoch(number))
    assert len(seen) == batches.per_epoch
    assert all(len(batch) == size for batch in seen[:-1])
    assert sorted(np.concatenate(seen)) == list(range(samples))


def test_full_batches_keep_the_order_of_the_data():
    batches = Batches(10, None, 7)
    assert (batches.per_epoch, list(batches.epoch(3))) == (1, [None])


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch, size=7):
        return np.concatenate(list(Batches(100, size, seed).epoch(epoch))).tolist()

    assert order(1, 2) == order(1, 2) == order(1, 2, size=13)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1, 2)}) == 6


@pytest.mark.parametrize("average", ["mean", "sum"])
@pytest.mark.parametrize("size", [1, 3, 4, 10, 12])
def test_batches_are_unbiased(average, size):
    """Over an epoch at the same θ the gradients of the batches, weighed by their sizes where the loss is a
    mean over the batch, and by N/B where it is a sum, average to that of all samples."""
    minimize = f"{average}(squared_error) + l2(0.1)"
    run = trainer(minimize=minimize, batch=size)
    whole = problem(minimize=minimize)
    theta, total, losses = run.theta.copy(), np.zeros_like(run.theta), 0.0
    for chosen in run.batches.epoch(0):
        bound = run._load(chosen)
        bound.run()
        total += run.gradient * len(chosen) / 10
        losses += float(bound[bound.plan.trace.objective]) * len(chosen) / 10
    expected = whole.objective_grad(theta)
    np.testing.assert_allclose(total, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert losses == pytest.approx(whole.objective(theta), rel=1e-12)
