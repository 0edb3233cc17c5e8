"""Columns of a table to numbers, with every cell that is none told by its place in the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.diagnostics import Problems, Span
from deltaplan.plugins.contracts import Table
from deltaplan.runtime.data.problems import (
    MissingValue,
    NotFinite,
    NotNumbers,
    places,
    rows_in_words,
    unknown_column,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column that is asked for, and where the spec asks for it."""

    name: str
    span: Span | None = None


def number_columns(table: Table, wanted: Sequence[Wanted], problems: Problems) -> Floats:
    """The columns as [features, rows]; one of shape [rows, k] gives k features. What is wrong goes to
    `problems`."""
    found = [np.atleast_2d(number_column(table, column, problems).T) for column in wanted]
    return np.concatenate(found) if found else np.empty((0, table.rows))


def number_column(table: Table, wanted: Wanted, problems: Problems) -> Floats:
    column = column_of(table, wanted, problems)
    if column is None:
        return np.zeros(table.rows)
    if is_text(column):
        return _from_text(table, column, wanted, problems)
    values = column.astype(np.float64)
    missing, infinite = _rows_where(np.isnan(values)), _rows_where(np.isinf(values))
    for rows, mistake in ((missing, MissingValue), (infinite, NotFinite)):
        if rows:
            notes, told = places(rows, table.row_name), rows_in_words(len(rows))
            problems.add(mistake(name=wanted.name, rows=told, span=wanted.span, notes=notes))
    return values


def _rows_where(marked: NDArray[np.bool_]) -> list[int]:
    rows: list[int] = np.flatnonzero(marked.any(axis=tuple(range(1, marked.ndim)))).tolist()
    return rows


def column_of(table: Table, wanted: Wanted, problems: Problems) -> NDArray[Any] | None:
    if wanted.name not in table.columns:
        problems.add(unknown_column(wanted.name, list(table.columns), wanted.span))
        return None
    return np.asarray(table.columns[wanted.name])


def is_text(column: NDArray[Any]) -> bool:
    return column.dtype.kind not in "biuf"


def _from_text(table: Table, column: NDArray[Any], wanted: Wanted, problems: Problems) -> Floats:
    """A column of words where numbers are wanted: those cells that are none are told."""
    point = [row for row, cell in enumerate(column) if not _number(str(cell))]
    comma = [row for row in point if not _number(str(column[row]).replace(",", "."))]
    rows = comma or point
    problems.add(
        NotNumbers(
            name=wanted.name,
            rows="1 row does" if len(rows) == 1 else f"{len(rows):,} rows do",
            mend=None if comma else "write `decimal=comma` on the line that names the file",
            span=wanted.span,
            notes=places(rows, lambda row: f"{table.row_name(row)}: {_shown(str(column[row]))}"),
        )
    )
    return np.zeros(table.rows)


def _number(cell: str) -> bool:
    try:
        return isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _shown(cell: str) -> str:
    if not cell:
        return "no value"
    return f"`{cell}`" if len(cell) <= 40 else f"`{cell[:40]}…`"
