"""What the columns of a csv file hold, and what a model could learn from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Strategy
from deltaplan.compiler.nodes import Use
from deltaplan.diagnostics import Diagnostic, Note, Problems, Source, Span, SpecError
from deltaplan.plugins.contracts import Table
from deltaplan.plugins.loader import builtin_registry
from deltaplan.runtime.data.cells import Wanted, are_dates, is_text, numbers_of
from deltaplan.runtime.data.gaps import missing_value
from deltaplan.runtime.data.prepare import read_table
from deltaplan.runtime.data.problems import DataGuessed, rows_in_words, unknown_column
from deltaplan.runtime.data.targets import classes_of
from deltaplan.runtime.starter.mistakes import NoInputColumns, TooFewRows, UnsuitableTarget

FEWEST_ROWS = 5  # so that 80 % and 20 % of them are both some
MOST_CLASSES = 20  # whole numbers with more different values are quantities
MOST_CATEGORIES = 20  # a column with more different words is left out
ROWS_A_CLASS = 5  # at least, on average, where whole numbers are to be classes
TARGETS = ("target", "label", "class", "y")
COUNTS = "it counts the rows"
LISTED = 10
Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the file holds and what was chosen.

    `classes` are the labels of a classification, empty for a regression; `why` tells the choice. `left_out`
    are the columns that are no inputs, each with its reason. `categories` has the inputs that hold words,
    each with how many different ones; `gaps` the columns that lack values, each with what is done about it.
    """

    file: Path
    rows: int
    decimal: str
    target: str
    why: str
    classes: tuple[str, ...]
    inputs: tuple[str, ...]
    left_out: Mapping[str, str]
    warnings: tuple[Diagnostic, ...] = ()
    categories: Mapping[str, int] = field(default_factory=dict)
    gaps: Mapping[str, Strategy] = field(default_factory=dict)


def look_at(file: Path, target: str | None = None) -> Findings:
    """Reads the file and chooses target, problem and inputs. SpecError where there is nothing to learn."""
    table, decimal = _read(file)
    if target is not None and target not in table.columns:
        raise SpecError(unknown_column(target, list(table.columns), None))
    if table.rows < FEWEST_ROWS:
        rows = rows_in_words(table.rows)
        raise SpecError(TooFewRows(file=file.name, rows=rows, needed=FEWEST_ROWS))
    name = target or _likely_target(list(table.columns))
    known = int((~_gaps(table.columns[name])).sum())
    if known < FEWEST_ROWS:
        rows = f"{rows_in_words(known)} with a value of `{name}`"
        raise SpecError(TooFewRows(file=file.name, rows=rows, needed=FEWEST_ROWS))
    classes, why = _problem(table, name)
    inputs, left_out = _inputs(table, name)
    if not inputs:
        raise SpecError(_no_inputs(file, name, left_out))
    warnings = tuple(DataGuessed(what=text) for text in table.warnings)
    words = {each: len(_words(table.columns[each])) for each in inputs if is_text(table.columns[each])}
    gaps = {each: _mend(table, each, name) for each in (*inputs, name) if _gaps(table.columns[each]).any()}
    return Findings(file, table.rows, decimal, name, why, classes, inputs, left_out, warnings, words, gaps)


def _gaps(column: Any) -> NDArray[np.bool_]:
    """[rows], where there is no value."""
    values = np.asarray(column)
    return np.asarray(values == "" if is_text(values) else np.isnan(values))


def _words(column: Any) -> Column:
    """The different words, without the gaps."""
    return np.setdiff1d(np.unique(np.asarray(column)), [""])


def _mend(table: Table, name: str, target: str) -> Strategy:
    if name == target:
        return "drop"
    return "mode" if is_text(table.columns[name]) else "median"


def _read(file: Path) -> tuple[Table, str]:
    """The table, with a decimal comma where that gives more columns of numbers."""
    table = _read_with(file, "point")
    if not any(is_text(column) for column in table.columns.values()):
        return table, "point"
    other = _read_with(file, "comma")
    return (other, "comma") if _numeric(other) > _numeric(table) else (table, "point")


def _read_with(file: Path, decimal: str) -> Table:
    contract = builtin_registry().find("data source", "csv")
    assert contract is not None, "csv is built in"
    return read_table(Use(contract, {"decimal": decimal}, Span(Source(str(file), ""), 0, 0)), file)


def _numeric(table: Table) -> int:
    return sum(not is_text(column) for column in table.columns.values())


def _likely_target(names: list[str]) -> str:
    """A column that says that it is one, else the last."""
    return next((name for name in names if name.lower() in TARGETS), names[-1])


def _problem(table: Table, name: str) -> tuple[tuple[str, ...], str]:
    """The classes, none for a regression, and why. SpecError where the column is no target."""
    column, problems = np.asarray(table.columns[name]), Problems()
    gaps = _gaps(column)
    if gaps.any() and not (name.isidentifier() and name.isascii()):
        mend = "fill the gap, or leave the row out"
        problems.add(missing_value(table, name, np.flatnonzero(gaps).tolist(), None, mend))
        problems.raise_errors()
    column = column[~gaps]
    table = replace(table, columns={**table.columns, name: column}, rows=len(column))
    if is_text(column):
        classes = classes_of(table, "class", Wanted(name), problems) or ()
        why = f"{len(classes)} different words: a classification"
    else:
        values = np.unique(numbers_of(table, Wanted(name), problems))
        classes, why = _as_classes(values, table.rows)
    problems.raise_errors()
    reason = _no_target(table, name, len(np.unique(column.astype(str) if is_text(column) else column)))
    if reason:
        others = _listed(other for other in table.columns if other != name) or None
        raise SpecError(UnsuitableTarget(name=name, why=reason, others=others))
    return classes, why


def _no_target(table: Table, name: str, values: int) -> str:
    """Why a column of so many different values cannot be the target; empty where it can."""
    if not _can_be_written(name):
        return "its name cannot be written in a spec"
    if values < 2:
        return "it is the same in every row"
    if is_text(np.asarray(table.columns[name])) and 2 * values > table.rows:
        return "nearly every row has a word of its own"
    return ""


def _as_classes(values: Column, rows: int) -> tuple[tuple[str, ...], str]:
    """Whole numbers of few values are classes; `values` are the different ones."""
    if not (values == np.round(values)).all():
        return (), "numbers that are not whole: a regression"
    if len(values) > MOST_CLASSES:
        return (), f"{len(values)} different whole numbers: a regression"
    if len(values) * ROWS_A_CLASS > rows:
        return (), f"{len(values)} different whole numbers in {rows} rows: a regression"
    return tuple(str(int(v)) for v in values), f"{len(values)} different whole numbers: a classification"


def _inputs(table: Table, target: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The columns that can be inputs, and why the others cannot."""
    unfit = {name: _unfit(column, name) for name, column in table.columns.items() if name != target}
    if all(unfit.values()):  # the number of the row may be all that there is: a series over time
        unfit = {name: "" if why == COUNTS else why for name, why in unfit.items()}
    return tuple(name for name in unfit if not unfit[name]), {name: why for name, why in unfit.items() if why}


def _unfit(values: Any, name: str) -> str:
    """Why a column is no input; empty where it is one."""
    column = np.asarray(values)
    if not _can_be_written(name):
        return "its name cannot be written in a spec"
    if name.startswith("#"):
        return "it has no name"
    missing = int(_gaps(column).sum())
    plain = name.isidentifier() and name.isascii()
    if 2 * missing > len(column) or (missing and is_text(column) and not plain):
        return f"no value in {rows_in_words(missing)}"
    if is_text(column):
        return _unfit_words(column)
    if np.nanmin(column) == np.nanmax(column):
        return "the same in every row"
    return COUNTS if column[0] in (0, 1) and (np.diff(column) == 1).all() else ""


def _can_be_written(name: str) -> bool:
    """Strings of a spec have no escapes."""
    return name.isprintable() and '"' not in name


def _unfit_words(column: Column) -> str:
    """Why a column of words is no input; a few words among numbers are told: they are easily mended."""
    cells = [str(cell) for cell in column if cell]
    strange = [cell for cell in cells if not _is_number(cell)]
    if len(strange) < len(cells):
        few = 2 * len(strange) <= len(cells)
        return f"{rows_in_words(len(strange))} without a number" if few else "words and numbers"
    if are_dates(cells):
        return "dates"
    count = len(_words(column))
    if count < 2:
        return "the same in every row"
    return "" if count <= MOST_CATEGORIES and 2 * count <= len(cells) else f"{count} different words"


def _is_number(cell: str) -> bool:
    try:
        return isfinite(float(cell))
    except ValueError:
        return False


def _no_inputs(file: Path, target: str, left_out: Mapping[str, str]) -> NoInputColumns:
    notes = [Note(f"`{name}`: {why}") for name, why in list(left_out.items())[:LISTED]]
    more = [Note(f"and {len(left_out) - LISTED} more")] if len(left_out) > LISTED else []
    return NoInputColumns(file=file.name, target=target, notes=(*notes, *more))


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return ", ".join(f"`{name}`" for name in known[:LISTED]) + more
