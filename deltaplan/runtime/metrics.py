"""Metrics of the registry on a model's outputs."""

from collections.abc import Mapping

import numpy as np

from deltaplan.plugins.contracts import Metric
from deltaplan.plugins.expressions import evaluate
from deltaplan.plugins.loader import builtins_in
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, calls
from deltaplan.runtime.data.preprocessing import Kind, TargetColumns

FLOAT64 = np.dtype(np.float64)


def fitting(kind: Kind, decision: str, gives: str = "number") -> tuple[Metric, ...]:
    """The built-in metrics that say something about an output with such targets."""
    metrics = sorted((m for m in builtins_in("metrics") if isinstance(m, Metric)), key=lambda m: m.name)
    return tuple(m for m in metrics if m.gives == gives and fits(m, kind, decision))


def fits(metric: Metric, kind: str, decision: str) -> bool:
    """Whether the metric compares what such an output gives: numbers, or classes that are decided."""
    return kind == "real" if metric.of == "values" else kind != "real" and decision != "none"


def measure(metric: Metric, columns: TargetColumns, decision: str, outputs: Array, target: Array) -> float:
    """A metric in the data's own units: `outputs` [features, N] are what the model gives before the link,
    `target` is as the dataset has it."""
    u, y = compared(metric, columns, decision, outputs, target)
    with np.errstate(all="ignore"):
        if metric.function is None:
            return result_of(metric, sums_of(metric, u, y), y)
        return float(metric.function(u, y))


def table(metric: Metric, columns: TargetColumns, decision: str, outputs: Array, target: Array) -> Array:
    """The same for a metric that gives a table."""
    assert metric.function is not None, "a table is no expression"
    return np.asarray(metric.function(*compared(metric, columns, decision, outputs, target)))


def compared(
    metric: Metric, columns: TargetColumns, decision: str, outputs: Array, target: Array
) -> tuple[Array, Array]:
    """The two arrays [·, N] that a metric compares: see `Metric.of`."""
    outputs = outputs.reshape(-1, outputs.shape[-1])
    match metric.of:
        case "values":
            return columns.scaling.undo(outputs), columns.scaling.undo(target.reshape(outputs.shape))
        case "classes":
            return (
                np.atleast_2d(decided(decision, outputs)),
                np.atleast_2d(true_classes(columns.kind, target)),
            )
        case "members":
            own = _members(decision, outputs, metric.gives)
            return own, _true_members(columns.kind, outputs, target, metric.gives)
        case "scores":
            return _scores(decision, outputs), _true_members(columns.kind, outputs, target)


def sums_of(metric: Metric, u: Array, y: Array) -> dict[str, list[float]]:
    """The sums over the samples by name, one for each row of the arrays [·, N]."""
    arguments = {
        "u": np.ascontiguousarray(u, FLOAT64),
        "y": np.ascontiguousarray(y, FLOAT64),
        "m": np.ascontiguousarray(np.broadcast_to(y.mean(axis=1, keepdims=True), y.shape), FLOAT64),
    }
    found: dict[str, list[float]] = {}
    for name, element in metric.sums.items():
        out = np.empty(u.shape)
        for call in calls([element], arguments, [out], Scratch(FLOAT64)):
            call()
        found[name] = out.sum(axis=1).tolist()
    return found


def result_of(metric: Metric, sums: Mapping[str, list[float]], y: Array) -> float:
    """The number that follows from the sums over the samples of the targets y [·, N]."""
    assert metric.result is not None, "a metric without sums is a function"
    found = evaluate(metric.result, {**sums, "m": y.mean(axis=1).tolist(), "n": float(y.shape[-1])})
    assert isinstance(found, float), "the result of a metric is scalar"
    return found


def decided(decision: str, outputs: Array) -> Array:
    """The class of each sample [N]; with several yes-or-no outputs, of each output [outputs, N]."""
    if decision == "argmax":
        return np.asarray(np.argmax(outputs, axis=0))
    return (outputs > 0).astype(np.intp)


def true_classes(kind: Kind, target: Array) -> Array:
    if kind == "class":
        return target
    return (target > (0.5 if kind == "binary" else 0.0)).astype(np.intp)


def _members(decision: str, outputs: Array, gives: str) -> Array:
    classes = decided(decision, outputs)
    if decision == "argmax":
        return _one_hot(classes, len(outputs))
    return _no_and_yes(classes) if gives == "table" else classes


def _true_members(kind: Kind, outputs: Array, target: Array, gives: str = "number") -> Array:
    classes = true_classes(kind, target)
    if kind == "class":
        return _one_hot(classes, len(outputs))
    return _no_and_yes(classes) if gives == "table" else classes


def _one_hot(classes: Array, count: int) -> Array:
    return np.asarray(classes == np.arange(count)[:, None]).astype(np.intp)


def _no_and_yes(classes: Array) -> Array:
    """A table has a row for each answer; only a single output can be shown in one."""
    return np.concatenate([1 - classes, classes])


def _scores(decision: str, outputs: Array) -> Array:
    """What orders the samples of a class: shares where several are given, else the output itself."""
    if decision != "argmax":
        return outputs
    shares = np.exp(outputs - outputs.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0))
