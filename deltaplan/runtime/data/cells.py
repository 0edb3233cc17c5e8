"""Columns of a table as numbers or as words, with a gap where a cell is empty."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.diagnostics import Note, Problems, Span
from deltaplan.plugins.contracts import Table
from deltaplan.records import dataclass
from deltaplan.runtime.data.problems import (
    DatesNotNumbers,
    NotFinite,
    NotNumbers,
    UnreadColumn,
    places,
    rows_in_words,
    unknown_column,
)

Floats = NDArray[np.float64]
Words = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column that is asked for, and where the spec asks for it; `nameable` says that it could be one of
    categories."""

    name: str
    span: Span | None = None
    nameable: bool = False


@dataclass(frozen=True, slots=True)
class Cells:
    """Columns by name: numbers [rows] or [rows, k], NaN for a gap, and words [rows], '' for a gap. A column
    may be read as both. `holes` marks the gaps of columns that stay in their file."""

    numbers: Mapping[str, Floats]
    words: Mapping[str, Words]
    rows: int
    holes: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def gaps(self, name: str) -> NDArray[np.bool_]:
        """[rows], true where the column has no value."""
        found = np.zeros(self.rows, np.bool_)
        if name in self.numbers:
            values = self.numbers[name]
            found |= np.isnan(values) if values.ndim == 1 else np.isnan(values).any(axis=1)
        if name in self.words:
            found |= self.words[name] == ""
        return found | self.holes[name] if name in self.holes else found

    def with_(self, numbers: Mapping[str, Floats], words: Mapping[str, Words]) -> "Cells":
        return replace(self, numbers={**self.numbers, **numbers}, words={**self.words, **words})


def column_of(table: Table, wanted: Wanted, problems: Problems) -> NDArray[Any] | None:
    """The column as the source gives it; None where there is none, which is told."""
    if wanted.name in table.unread:
        why = table.unread[wanted.name]
        problems.add(UnreadColumn(name=wanted.name, why=why, span=wanted.span))
        return None
    if wanted.name not in table.columns:
        problems.add(unknown_column(wanted.name, list(table.columns), wanted.span))
        return None
    return np.asarray(table.columns[wanted.name])


def numbers_of(table: Table, wanted: Wanted, problems: Problems) -> Floats:
    """[rows] or [rows, k], NaN where there is no value; words and infinite numbers are told."""
    column = column_of(table, wanted, problems)
    if column is None:
        return np.zeros(table.rows)
    if is_text(column):
        return _from_text(table, column, wanted, problems)
    values = column.astype(np.float64)
    infinite = rows_where(np.isinf(values))
    if infinite:
        notes, told = places(infinite, table.row_name), rows_in_words(len(infinite))
        problems.add(NotFinite(name=wanted.name, rows=told, span=wanted.span, notes=notes))
    return values


def words_of(table: Table, wanted: Wanted, problems: Problems) -> Words:
    """[rows], '' where there is no value; a number is its label: `3`, `2.5`."""
    column = column_of(table, wanted, problems)
    if column is None:
        return np.full(table.rows, "", dtype=object)
    if is_text(column):
        return column
    return np.array(["" if value != value else label(value) for value in column.tolist()], dtype=object)


def label(value: Any) -> str:
    """The name of a class or a category: `setosa`, `3`, `2.5`."""
    if isinstance(value, float | np.floating):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)


def is_text(column: NDArray[Any]) -> bool:
    return column.dtype.kind not in "biuf"


def is_of_categories(column: NDArray[Any]) -> bool:
    """Whether no cell of a column of words is a number or a date."""
    if not is_text(column) or column.ndim > 1:
        return False
    cells = set(map(str, column)) - {""}
    numbers = any(_number(cell) for cell in cells) or _are_numbers_with_comma(cells)
    return bool(cells) and not numbers and not are_dates(cells)


DAY = r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3\d{2,4})"
DATE = re.compile(rf"{DAY}([T ]\d{{1,2}}:\d{{2}}.*)?|\d{{1,2}}:\d{{2}}(:\d{{2}})?")


def are_dates(cells: Iterable[str]) -> bool:
    """Whether all cells are dates or times of a day, as they are commonly written."""
    return all(DATE.fullmatch(cell.strip()) for cell in cells)


def rows_where(marked: NDArray[np.bool_]) -> list[int]:
    rows: list[int] = np.flatnonzero(marked.any(axis=tuple(range(1, marked.ndim)))).tolist()
    return rows


def _from_text(table: Table, column: NDArray[Any], wanted: Wanted, problems: Problems) -> Floats:
    """The numbers in a column of words; cells that are none are told."""
    cells = [str(cell) for cell in column] if column.ndim == 1 else ["…"] * len(column)
    point = [row for row, cell in enumerate(cells) if cell and not _number(cell)]
    if point:
        _tell_words(table, cells, point, wanted, problems)
    return np.array([nan if not cell else float(cell) if not point else 0.0 for cell in cells])


def _tell_words(
    table: Table, cells: Sequence[str], point: list[int], wanted: Wanted, problems: Problems
) -> None:
    filled = {cells[row] for row in point}
    if len(point) == sum(map(bool, cells)) and are_dates(filled):
        first = table.row_name(point[0])
        notes = (Note(f"{first}: `{cells[point[0]]}`"),)
        problems.add(DatesNotNumbers(name=wanted.name, span=wanted.span, notes=notes))
        return
    comma = [row for row in point if not _number(cells[row].replace(",", "."))]
    rows = comma or point
    problems.add(
        NotNumbers(
            name=wanted.name,
            rows="1 row does" if len(rows) == 1 else f"{len(rows):,} rows do",
            mend=_mend(wanted, filled, bool(comma)),
            span=wanted.span,
            notes=places(rows, lambda row: f"{table.row_name(row)}: {_shown(cells[row])}"),
        )
    )


GAPS = frozenset({"na", "n/a", "nan", "null", "none", "?", "-", "--", ".", "#n/a", "missing", "unknown"})


def _mend(wanted: Wanted, cells: set[str], comma: bool) -> str | None:
    if not comma:
        return "write `decimal=comma` on the line that names the file"
    if len(cells) == 1 and min(cells).lower() in GAPS:
        return f'`empty="{min(cells)}"` on the line that names the file says that such a cell has no value'
    if wanted.nameable and wanted.name.isidentifier():
        return f"`category({wanted.name})` reads all of them as names"
    return None


def _are_numbers_with_comma(cells: Iterable[str]) -> bool:
    return all(_number(cell.replace(",", ".")) for cell in cells)


def _number(cell: str) -> bool:
    try:
        return isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _shown(cell: str) -> str:
    return f"`{cell}`" if len(cell) <= 40 else f"`{cell[:40]}…`"
