"""The process of a plugin's data source: an order comes in by its input, a table goes out by its output."""

import mmap
import os
import pickle
import sys
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from deltaplan.diagnostics import PluginError
from deltaplan.plugins.contracts import DataSource, Owner, Table, Unreadable
from deltaplan.plugins.faults import PluginChanged
from deltaplan.plugins.installed import content_sha256
from deltaplan.plugins.loader import run_file
from deltaplan.plugins.places import failed_span, in_words


def main() -> None:
    """Reads the order and writes the answer; whatever the plugin prints goes to the error stream."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    owner, name, path, options = pickle.load(sys.stdin.buffer)
    with answer:
        answer.write(pickle.dumps(_answer(owner, name, path, options), pickle.HIGHEST_PROTOCOL))


def _answer(owner: Owner, name: str, path: Path, options: dict[str, Any]) -> tuple[str, Any]:
    try:
        return "table", _sent(_source(owner, name).read(path, **options))
    except Unreadable as error:
        return "unreadable", (error.message, error.place, error.help, error.notes)
    except PluginError as error:
        return "failed", (error.diagnostics[0].message, error.diagnostics[0].span)
    except BaseException as error:
        return "failed", (in_words(error), failed_span(error, owner.location))


def _source(owner: Owner, name: str) -> DataSource:
    file = Path(owner.location)
    if content_sha256(file) != owner.sha256:
        raise PluginError(PluginChanged(path=str(file)))
    found = (c for c in run_file(file, owner) if isinstance(c, DataSource) and c.name == name)
    return next(found)


def _sent(table: object) -> tuple[Any, ...]:
    """A table as it is sent: the names of its rows are asked for here, where the plugin is."""
    if not isinstance(table, Table):
        raise TypeError(f"it returns `{table!r:.60}`, not a Table")
    for name, values in table.columns.items():
        if not isinstance(values, np.ndarray) or values.ndim == 0:
            raise TypeError(f"its column `{name}` is no array")
        if len(values) != table.rows:
            raise ValueError(f"its column `{name}` has {len(values):,} rows, and the table {table.rows:,}")
    names = [table.row_name(row) for row in range(table.rows)]
    columns = {name: _column(values) for name, values in table.columns.items()}
    return columns, table.rows, names, tuple(table.warnings), _shapes(table), dict(table.unread)


def _shapes(table: Table) -> dict[str, tuple[int, ...]]:
    shapes = {str(name): tuple(map(int, shape)) for name, shape in table.shapes.items()}
    for name, shape in shapes.items():
        given = table.columns[name].size // max(table.rows, 1)
        if prod(shape) != given:
            raise ValueError(f"its column `{name}` has {given:,} numbers a row, and the shape {shape}")
    return shapes


def _column(values: Any) -> Any:
    """An array; of one that is a whole file's, where it stands there."""
    if isinstance(values, np.memmap) and isinstance(values.base, mmap.mmap) and values.filename:
        where = {"filename": values.filename, "offset": values.offset}
        return {**where, "dtype": values.dtype, "shape": values.shape}
    return np.asarray(values)
