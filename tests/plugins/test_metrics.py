"""The metrics against hand calculation."""

import math

import numpy as np
import pytest

from deltaplan.plugins.contracts import Metric
from deltaplan.plugins.loader import builtin_registry

PREDICTED = np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 1.0]])
TARGET = np.array([[1.0, 3.0, 2.0], [0.0, 1.0, 2.0]])
BY_HAND = {
    "rmse": math.sqrt((0 + 1 + 4 + 0 + 0 + 1) / 6),
    "mae": (0 + 1 + 2 + 0 + 0 + 1) / 6,
    "r2": ((1 - 5 / 2) + (1 - 1 / 2)) / 2,
}


def metric(name: str) -> Metric:
    found = builtin_registry().find("metric", name)
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "value"), BY_HAND.items())
def test_metrics_of_values(name: str, value: float) -> None:
    assert metric(name).of == "values"
    assert metric(name).function(PREDICTED, TARGET) == pytest.approx(value, rel=1e-15)


def test_r2_of_a_target_that_does_not_vary_is_not_a_number() -> None:
    assert math.isnan(metric("r2").function(PREDICTED, np.ones((2, 3))))


def test_accuracy_counts_classes() -> None:
    assert metric("accuracy").function(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])) == 0.75


def test_every_metric_has_a_case() -> None:
    assert set(builtin_registry().names("metric")) == {*BY_HAND, "accuracy"}
