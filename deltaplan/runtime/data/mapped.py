"""Inputs larger than memory: columns that stay in their file, read in pieces, and kept scaled in a temporary
file in the precision of training, from which the batches are taken."""

from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.diagnostics import SpecError
from deltaplan.plugins.contracts import Table
from deltaplan.runtime.data.cells import Floats
from deltaplan.runtime.data.features import Feature
from deltaplan.runtime.data.problems import DataUnreadable
from deltaplan.runtime.data.scaling import Scaling, by_channel

PIECE = 2**21  # numbers that are in memory at once
PADDING = 64  # numbers behind an array that vectors may read
Rows = NDArray[np.intp]


def mapped_column(features: tuple[Feature, ...], table: Table) -> NDArray[Any] | None:
    """The column [rows, numbers] of an input that is all of it, where it stays in its file."""
    if len(features) != 1 or features[0].expression is not None or features[0].categories is not None:
        return None
    column = table.columns.get(features[0].reads[0])
    return column if isinstance(column, np.memmap) and column.ndim == 2 else None


def is_mapped(values: NDArray[Any]) -> bool:
    """Whether the numbers stand in a file."""
    return isinstance(values, np.memmap)


def pieces(table: Table) -> Iterator[Table]:
    """The table some rows at a time where columns of it stand in a file, else as it is."""
    widths = [column.shape[1] for column in table.columns.values() if is_mapped(column) and column.ndim == 2]
    step = max(1, PIECE // max(widths, default=1))
    if not widths or table.rows <= step:
        yield table
        return
    for begin in range(0, table.rows, step):
        end = min(begin + step, table.rows)
        columns = {name: np.asarray(column[begin:end]) for name, column in table.columns.items()}
        yield Table(columns, end - begin, partial(_row_from, table, begin), table.warnings)


def _row_from(table: Table, begin: int, row: int) -> str:
    return table.row_name(begin + row)


def holes(column: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """[rows], where a number is missing and where one is infinite."""
    missing, infinite = np.zeros(len(column), np.bool_), np.zeros(len(column), np.bool_)
    if column.dtype.kind == "f":
        for rows, piece in _pieces(column, np.arange(len(column))):
            missing[rows], infinite[rows] = np.isnan(piece).any(axis=1), np.isinf(piece).any(axis=1)
    return missing, infinite


def fitted_in_pieces(column: NDArray[Any], rows: Rows, channels: int | None) -> Scaling:
    """Mean and population standard deviation over some rows, of each number or of each channel."""
    groups = channels or column.shape[1]
    count = len(rows) * (column.shape[1] // groups)
    sums, squares = np.zeros(groups), np.zeros(groups)
    for _, piece in _pieces(column, rows):
        sums += _by_group(piece, groups).sum(axis=1)
    means = sums / count
    for _, piece in _pieces(column, rows):
        squares += ((_by_group(piece, groups) - means[:, None]) ** 2).sum(axis=1)
    scales = np.sqrt(squares / count)
    return Scaling(tuple(means.tolist()), tuple(np.where(scales > 0, scales, 1.0).tolist()))


def stored(column: NDArray[Any], rows: Rows, scaling: Scaling, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Some rows, scaled, as [numbers, rows] in a temporary file that goes with the array. SpecError where the
    disk has no room."""
    width = column.shape[1]
    try:
        with TemporaryFile(prefix="deltaplan-") as file:
            flat = np.memmap(file, dtype, "w+", shape=(len(rows) * width + PADDING,))
        found = flat[: len(rows) * width].reshape(len(rows), width)
        with np.errstate(over="ignore"):
            for at, piece in _pieces(column, rows, places=True):
                found[at] = scaling.apply(piece.T).T
    except OSError as error:
        what = f"{len(rows) * width * dtype.itemsize:,} bytes of data do not fit into the temporary folder"
        raise SpecError(DataUnreadable(what=what, mend=(error.strerror or str(error)).lower())) from None
    return found.T


def _by_group(piece: Floats, groups: int) -> Floats:
    return by_channel(np.ascontiguousarray(piece.T), groups)


def _pieces(column: NDArray[Any], rows: Rows, places: bool = False) -> Iterator[tuple[Any, Floats]]:
    """Some rows at a time as float64 [rows, numbers], with which they are: their numbers, or their places
    among `rows`."""
    step = max(1, PIECE // max(1, column.shape[1]))
    for begin in range(0, len(rows), step):
        chosen = rows[begin : begin + step]
        which = slice(begin, begin + len(chosen)) if places else chosen
        yield which, np.asarray(column[chosen], np.float64)
