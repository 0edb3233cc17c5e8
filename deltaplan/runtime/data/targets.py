"""Target columns to what a loss takes: numbers, class indices, 0 to 1, ±1.

Classes are named by their labels, a whole number without its point, and are sorted: numbers by value, words
by their code points. The labels of all rows count, not those of the training part alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deltaplan.diagnostics import Diagnostic, Problems
from deltaplan.plugins.contracts import Table
from deltaplan.runtime.data.columns import (
    Wanted,
    column_of,
    is_text,
    number_columns,
)
from deltaplan.runtime.data.preprocessing import Kind
from deltaplan.runtime.data.problems import LISTED, MissingValue, places, rows_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class OneColumnOfClasses(Diagnostic):
    code: ClassVar[str] = "one-column-of-classes"
    title: ClassVar[str] = "classes are read from one column, and {count} are given"
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoClassesWanted(Diagnostic):
    code: ClassVar[str] = "two-classes-wanted"
    title: ClassVar[str] = "the loss compares two classes, and column `{name}` has {count}"
    label: ClassVar[str] = "{classes}"
    help: ClassVar[str] = "{mend}"
    name: str
    count: int
    classes: str
    mend: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenClass(Diagnostic):
    code: ClassVar[str] = "unseen-class"
    title: ClassVar[str] = "column `{name}` has labels that are not among the model's classes"
    help: ClassVar[str] = "classes: {classes}"
    name: str
    classes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOutside(Diagnostic):
    code: ClassVar[str] = "target-outside"
    title: ClassVar[str] = "column `{name}` must hold {wanted}, and {rows} not"
    name: str
    wanted: str
    rows: str


def classes_of(
    table: Table, kind: Kind, wanted: Sequence[Wanted], problems: Problems
) -> tuple[str, ...] | None:
    """The names of the classes, empty for numbers that the loss takes as they are; None where labels cannot
    be read, which goes to `problems`."""
    if kind == "real" or (kind != "class" and _are_numbers_for(kind, table, wanted)):
        return ()
    if len(wanted) != 1:
        problems.add(OneColumnOfClasses(count=len(wanted), span=wanted[1].span))
        return None
    column = column_of(table, wanted[0], problems)
    if column is not None and column.ndim > 1:
        problems.add(OneColumnOfClasses(count=column.shape[1], span=wanted[0].span))
        return None
    if column is None or _misses(table, column, wanted[0], problems):
        return None
    names = tuple(label(value) for value in _sorted_values(column))
    if kind != "class" and len(names) != 2:
        mend = "`cross_entropy` takes any number of classes" if len(names) > 2 else None
        problems.add(
            TwoClassesWanted(
                name=wanted[0].name, count=len(names), classes=listed(names), mend=mend, span=wanted[0].span
            )
        )
    return names


def encode(
    table: Table, kind: Kind, classes: tuple[str, ...], wanted: Sequence[Wanted], problems: Problems
) -> NDArray[Any]:
    """float64 [columns, samples], or int64 [samples] for `class`."""
    if not classes:
        values = number_columns(table, wanted, problems)
        _check_range(kind, table, values, wanted, problems)
        return values
    indices = _indices(table, classes, wanted[0], problems)
    match kind:
        case "binary":
            return indices[None].astype(np.float64)
        case "sign":
            return 2.0 * indices[None] - 1.0
        case _:
            return indices


def label(value: Any) -> str:
    """The name of a class: `setosa`, `3`, `2.5`."""
    if isinstance(value, float | np.floating):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(f"`{name}`" for name in names[:LISTED]) + more


def _sorted_values(column: NDArray[Any]) -> list[Any]:
    values: list[Any] = np.unique(column.astype(str) if is_text(column) else column).tolist()
    return values


def _misses(table: Table, column: NDArray[Any], wanted: Wanted, problems: Problems) -> bool:
    empty = column == "" if is_text(column) else ~np.isfinite(column.astype(np.float64))
    rows = np.flatnonzero(empty).tolist()
    if rows:
        notes = places(rows, table.row_name)
        problems.add(
            MissingValue(name=wanted.name, rows=rows_in_words(len(rows)), span=wanted.span, notes=notes)
        )
    return bool(rows)


def _indices(table: Table, classes: tuple[str, ...], wanted: Wanted, problems: Problems) -> NDArray[np.int64]:
    column = column_of(table, wanted, problems)
    if column is None or _misses(table, column, wanted, problems):
        return np.zeros(table.rows, np.int64)
    known = {name: index for index, name in enumerate(classes)}
    names = [label(value) for value in column]
    unseen = [row for row, name in enumerate(names) if name not in known]
    if unseen:
        notes = places(unseen, lambda row: f"{table.row_name(row)}: `{names[row]}`")
        problems.add(UnseenClass(name=wanted.name, classes=listed(classes), span=wanted.span, notes=notes))
    return np.array([known.get(name, 0) for name in names], np.int64)


def _are_numbers_for(kind: Kind, table: Table, wanted: Sequence[Wanted]) -> bool:
    """Whether the columns hold what the loss takes without any labels being read."""
    columns = [np.asarray(table.columns[w.name]) for w in wanted if w.name in table.columns]
    return all(not is_text(column) and not _outside(kind, column).any() for column in columns)


def _outside(kind: Kind, values: NDArray[Any]) -> NDArray[np.bool_]:
    match kind:
        case "binary":
            return np.asarray((values < 0) | (values > 1))
        case "sign":
            return np.asarray(np.abs(values) != 1)
        case _:
            return np.zeros(values.shape, np.bool_)


def _check_range(
    kind: Kind, table: Table, values: NDArray[Any], wanted: Sequence[Wanted], problems: Problems
) -> None:
    outside = np.flatnonzero(_outside(kind, values).any(axis=0)).tolist()
    if not outside or problems.errors:
        return
    problems.add(
        TargetOutside(
            name=", ".join(w.name for w in wanted),
            wanted="numbers from 0 to 1" if kind == "binary" else "-1 and 1",
            rows="1 row does" if len(outside) == 1 else f"{len(outside):,} rows do",
            span=wanted[0].span,
            notes=places(outside, table.row_name),
        )
    )
