"""The metrics against hand calculation, scikit-learn's published definitions, and arrays in place of sums."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from deltaplan.plugins.contracts import Metric
from deltaplan.plugins.loader import builtin_registry
from deltaplan.runtime.data.features import Feature
from deltaplan.runtime.data.preprocessing import Kind, TargetColumns
from deltaplan.runtime.data.scaling import Scaling
from deltaplan.runtime.metrics import measure, table

PREDICTED = np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 1.0]])
TARGET = np.array([[1.0, 3.0, 2.0], [0.0, 1.0, 2.0]])
REAL = {
    "rmse": math.sqrt((0 + 1 + 4 + 0 + 0 + 1) / 6),
    "mae": (0 + 1 + 2 + 0 + 0 + 1) / 6,
    "r2": ((1 - 5 / 2) + (1 - 1 / 2)) / 2,
}
# Decided 0 1 2 2 0, true 0 1 1 2 2: TP 1 1 1, FP 1 0 1, FN 0 1 1.
LOGITS = np.array([[9.0, 1, 0, 0, 5], [1, 9, 2, 0, 0], [0, 1, 9, 9, 4]])
LABELS = np.array([0, 1, 1, 2, 2])
CLASSES = {"accuracy": 3 / 5, "f1": (2 / 3 + 2 / 3 + 1 / 2) / 3}


def metric(name: str) -> Metric:
    found = builtin_registry().find("metric", name)
    assert found is not None
    return found


AS_IT_IS = Scaling.none()


def measured(
    name: str, kind: Kind, decision: str, outputs: Any, target: Any, scaling: Scaling = AS_IT_IS
) -> float:
    columns = TargetColumns(kind, (Feature("y", ("y",)),), scaling)
    return measure(metric(name), columns, decision, np.asarray(outputs), np.asarray(target))


@pytest.mark.parametrize(("name", "value"), REAL.items())
def test_metrics_of_values(name: str, value: float) -> None:
    assert measured(name, "real", "none", PREDICTED, TARGET) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("name", REAL)
def test_metrics_of_values_are_in_the_datas_units(name: str) -> None:
    scaling = Scaling((3.0, -1.0), (2.0, 10.0))
    own = measured(name, "real", "none", scaling.apply(PREDICTED), scaling.apply(TARGET), scaling)
    assert own == pytest.approx(REAL[name], rel=1e-14)


def test_r2_keeps_its_digits_far_from_zero() -> None:
    far = measured("r2", "real", "none", PREDICTED[:1] + 1e8, TARGET[:1] + 1e8)
    assert far == pytest.approx(1 - 5 / 2, rel=1e-12)


def test_r2_leaves_out_what_does_not_vary() -> None:
    """A pixel that is blank in every picture, say."""
    alone = measured("r2", "real", "none", PREDICTED[:1], TARGET[:1])
    target = np.vstack([TARGET[:1], np.ones((1, TARGET.shape[1]))])
    assert measured("r2", "real", "none", PREDICTED[:2], target) == pytest.approx(alone)


def test_r2_of_a_target_that_does_not_vary_is_not_a_number() -> None:
    assert math.isnan(measured("r2", "real", "none", PREDICTED, np.ones((2, 3))))


@pytest.mark.parametrize(("name", "value"), CLASSES.items())
def test_metrics_of_classes(name: str, value: float) -> None:
    assert measured(name, "class", "argmax", LOGITS, LABELS) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "value"), [("accuracy", 2 / 4), ("f1", 2 * 1 / (2 * 1 + 1 + 1)), ("auc", 3 / 4)]
)
def test_metrics_of_yes_and_no(name: str, value: float) -> None:
    u = [[2.0, -1.0, 1.0, -3.0]]
    assert measured(name, "binary", "positive", u, [[1.0, 1, 0, 0]]) == pytest.approx(value, rel=1e-15)
    assert measured(name, "sign", "positive", u, [[1.0, 1, -1, -1]]) == pytest.approx(value, rel=1e-15)


def test_f1_of_a_class_that_is_nowhere_is_0() -> None:
    assert measured("f1", "class", "argmax", [[1.0, 1], [0, 0]], [0, 0]) == 0.5


def test_auc_counts_pairs_and_ties_by_half() -> None:
    rng = np.random.default_rng(0)
    scores, yes = rng.integers(0, 5, 40) / 2.0 - 1, rng.integers(0, 2, 40)
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in product(scores[yes == 1], scores[yes == 0])]
    found = measured("auc", "binary", "positive", scores[None], yes[None].astype(float))
    assert found == pytest.approx(sum(pairs) / len(pairs), rel=1e-14)


def test_auc_of_classes_is_the_mean_of_one_against_the_rest() -> None:
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=0)
    areas = []
    for k in range(3):
        mine = np.equal(LABELS, k)
        inside, outside = shares[k, mine], shares[k, ~mine]
        areas.append(np.mean([(a > b) + 0.5 * (a == b) for a in inside for b in outside]))
    assert measured("auc", "class", "argmax", LOGITS, LABELS) == pytest.approx(np.mean(areas), rel=1e-14)


def test_auc_of_a_class_alone_is_not_a_number() -> None:
    assert math.isnan(measured("auc", "binary", "positive", [[1.0, 2.0]], [[1.0, 1.0]]))


def test_the_confusion_matrix_has_the_true_classes_by_row() -> None:
    columns = TargetColumns("class", (Feature("y", ("y",)),), Scaling.none(), ("a", "b", "c"))
    found = table(metric("confusion"), columns, "argmax", LOGITS, LABELS)
    assert found.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 1]]
    answers = TargetColumns("binary", (Feature("y", ("y",)),), Scaling.none())
    found = table(metric("confusion"), answers, "positive", np.array([[2.0, -1, 1]]), np.array([[1.0, 1, 0]]))
    assert found.tolist() == [[0, 1], [1, 1]]


def test_every_metric_has_a_case() -> None:
    assert set(builtin_registry().names("metric")) == {*REAL, *CLASSES, "auc", "confusion"}
