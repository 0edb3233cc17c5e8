"""How good predictions are, in the data's own units."""

from collections.abc import Callable, Mapping

import numpy as np

from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.preprocessing import TargetColumns

Metric = Callable[[Array, Array], float]


def root_mean_squared_error(predicted: Array, target: Array) -> float:
    """√ of the mean of (ŷ − y)² over samples and outputs."""
    return float(np.sqrt(np.mean((predicted - target) ** 2)))


def mean_absolute_error(predicted: Array, target: Array) -> float:
    """The mean of |ŷ − y| over samples and outputs."""
    return float(np.mean(np.abs(predicted - target)))


def r_squared(predicted: Array, target: Array) -> float:
    """1 − Σ(ŷ − y)²/Σ(y − ȳ)² for each output, then the mean; NaN where a target does not vary."""
    residual = np.sum((predicted - target) ** 2, axis=1)
    total = np.sum((target - target.mean(axis=1, keepdims=True)) ** 2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(np.where(total > 0, 1 - residual / total, np.nan)))


def accuracy(predicted: Array, target: Array) -> float:
    """The share of samples whose class is right; with several outputs, of outputs."""
    return float(np.mean(predicted == target))


REAL: Mapping[str, Metric] = {
    "rmse": root_mean_squared_error,
    "mae": mean_absolute_error,
    "r2": r_squared,
}


def scores(columns: TargetColumns, decision: str, outputs: Array, target: Array) -> dict[str, float]:
    """The metrics that fit an output: `outputs` [features, N] as the model gives them before the link,
    `target` as the dataset has it."""
    if columns.kind == "real":
        predicted, wanted = columns.scaling.undo(outputs), columns.scaling.undo(target)
        return {name: metric(predicted, wanted) for name, metric in REAL.items()}
    if columns.kind == "class":
        return {"accuracy": accuracy(np.argmax(outputs, axis=0), target)}
    if decision == "positive":
        return {"accuracy": accuracy(outputs > 0, target > (0.5 if columns.kind == "binary" else 0.0))}
    return {}
