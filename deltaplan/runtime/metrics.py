"""Metrics of the registry on a model's outputs."""

import numpy as np

from deltaplan.plugins.contracts import Metric
from deltaplan.plugins.loader import builtin_registry
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.preprocessing import Kind, TargetColumns


def fitting(kind: Kind, decision: str) -> tuple[Metric, ...]:
    """The built-in metrics that say something about an output with such targets."""
    wanted = "values" if kind == "real" else "classes" if decision != "none" else None
    metrics = (builtin_registry().find("metric", name) for name in builtin_registry().names("metric"))
    return tuple(m for m in metrics if m is not None and m.of == wanted)


def measure(metric: Metric, columns: TargetColumns, decision: str, outputs: Array, target: Array) -> float:
    """A metric in the data's own units: `outputs` [features, N] are what the model gives before the link,
    `target` is as the dataset has it."""
    if metric.of == "values":
        with np.errstate(all="ignore"):
            return float(metric.function(columns.scaling.undo(outputs), columns.scaling.undo(target)))
    return float(metric.function(decided(decision, outputs), true_classes(columns.kind, target)))


def decided(decision: str, outputs: Array) -> Array:
    """The class of each sample [N]; with several yes-or-no outputs, of each output [outputs, N]."""
    if decision == "argmax":
        return np.asarray(np.argmax(outputs, axis=0))
    return (outputs > 0).astype(np.intp)


def true_classes(kind: Kind, target: Array) -> Array:
    if kind == "class":
        return target
    return (target > (0.5 if kind == "binary" else 0.0)).astype(np.intp)
