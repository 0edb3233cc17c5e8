"""Predictions of a file as csv."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np

from deltaplan.plugins.contracts import Table
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.mapped import pieces
from deltaplan.runtime.data.prepare import read_table
from deltaplan.runtime.model import Model
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.requirements import require
from deltaplan.runtime.run import Run


def predictions_csv(run: Run, path: Path, backend: Backend | None = None) -> str:
    """A header and a line for each row of the file: the target's name, and for a classifier the class and the
    probability of each; several targets of yes or no have a class and a probability each. Numbers have the
    digits that read back to the same float32 or float64.

    SpecError where the file does not fit, or the spec has no data block that says how to read one."""
    experiment = run.experiment
    require(experiment, "data")
    assert experiment.data is not None
    table, model = read_table(experiment.data.source, path), run.model
    parts = pieces(table) if model.preprocessing.window == 1 else iter([table])
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, part in enumerate(parts):
        columns = _predicted(model, part, backend)
        if number == 0:
            writer.writerow([head for head, _ in columns])
        writer.writerows(zip(*(cells for _, cells in columns), strict=True))
    return text.getvalue()


def _predicted(model: Model, table: Table, backend: Backend | None) -> list[tuple[str, list[str]]]:
    x = model.preprocessing.apply_inputs(table)
    values = model.predict_columns(x, backend)
    decides = any(model.decision(name) != "none" for name in model.outputs)
    raw = model.raw_columns(x, backend) if decides else values
    return [c for name in model.outputs for c in _columns(model, name, values[name], raw[name])]


def _columns(model: Model, output: str, values: Array, raw: Array) -> Iterator[tuple[str, list[str]]]:
    """Heads and cells of one output from its predictions, and from what the model gives before the link."""
    names = model.target_names(output)
    if model.decision(output) == "none":
        yield from ((name, _cells(row, model)) for name, row in zip(names, values, strict=True))
        return
    classes = model.classes(output, raw)
    chosen = classes[:, None] if classes.ndim == 1 else classes
    for name, column in zip(names, chosen.T, strict=True):
        yield name, [str(c) for c in column]
    for name, row in zip(model.class_names(output, len(values)), values, strict=True):
        yield f"p({name})", _cells(row, model)


def _cells(row: Array, model: Model) -> list[str]:
    return [repr(float(v)) if model.theta.dtype == np.float64 else str(np.float32(v)) for v in row]
