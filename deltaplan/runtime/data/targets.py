"""Target columns to what a loss takes: numbers, class indices, 0 to 1, ±1.

Classes are named by their labels, a whole number without its point, and are sorted: numbers by value, words
by their code points. The labels of all rows count, not those of the training part alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Column
from deltaplan.diagnostics import Diagnostic, Problems, Span, mistake
from deltaplan.plugins.contracts import Table
from deltaplan.runtime.data.cells import Cells, Floats, Wanted, column_of, is_text, words_of
from deltaplan.runtime.data.distinct import distinct
from deltaplan.runtime.data.features import Feature, matrix
from deltaplan.runtime.data.preprocessing import Kind
from deltaplan.runtime.data.problems import LISTED, places


@mistake
class OneColumnOfClasses(Diagnostic):
    code: ClassVar[str] = "one-column-of-classes"
    title: ClassVar[str] = "classes are read from one column, and {count} are given"
    count: int


@mistake
class TwoClassesWanted(Diagnostic):
    code: ClassVar[str] = "two-classes-wanted"
    title: ClassVar[str] = "the loss compares two classes, and column `{name}` has {count}"
    label: ClassVar[str] = "{classes}"
    help: ClassVar[str] = "{mend}"
    name: str
    count: int
    classes: str
    mend: str | None


@mistake
class UnseenClass(Diagnostic):
    code: ClassVar[str] = "unseen-class"
    title: ClassVar[str] = "column `{name}` has labels that are not among the model's classes"
    help: ClassVar[str] = "classes: {classes}"
    name: str
    classes: str


@mistake
class TargetOutside(Diagnostic):
    code: ClassVar[str] = "target-outside"
    title: ClassVar[str] = "column `{name}` must hold {wanted}, and {rows} not"
    name: str
    wanted: str
    rows: str


@mistake
class LabelsForNumbers(Diagnostic):
    code: ClassVar[str] = "labels-for-numbers"
    title: ClassVar[str] = "the loss compares numbers, and column `{name}` holds words"
    label: ClassVar[str] = "{classes}"
    help: ClassVar[str] = "{mend}"
    name: str
    classes: str
    mend: str


@mistake
class ClassesAsNumbers(Diagnostic):
    code: ClassVar[str] = "classes-as-numbers"
    title: ClassVar[str] = "the loss takes column `{name}` for numbers, and it counts from {first} to {last}"
    help: ClassVar[str] = "if these are classes, {mend}"
    severity = "warning"
    name: str
    first: int
    last: int
    mend: str


def target_features(
    table: Table, kind: Kind, columns: Sequence[Column], problems: Problems
) -> tuple[Feature, ...] | None:
    """How the columns become targets; one of labels has its classes as categories. None where labels cannot
    be read, which goes to `problems`."""
    if kind == "real" and not _are_numbers(table, columns, problems):
        return None
    if kind == "real" or (kind != "class" and _are_numbers_for(kind, table, columns)):
        return tuple(_of_numbers(table, column) for column in columns)
    if len(columns) != 1:
        problems.add(OneColumnOfClasses(count=len(columns), span=columns[1].span))
        return None
    (column,) = columns
    classes = classes_of(table, kind, Wanted(column.reads[0], column.span), problems)
    return None if classes is None else (Feature(column.name, column.reads, categories=classes),)


def _are_numbers(table: Table, columns: Sequence[Column], problems: Problems) -> bool:
    """Whether targets that are compared as numbers are some; labels that look like numbers are warned of."""
    fit = True
    for column in columns:
        found = table.columns.get(column.reads[0])
        if column.expression is not None or found is None or np.ndim(found) > 1:
            continue
        if is_text(found):
            fit = not _are_labels(column, found, problems) and fit
        elif len(columns) == 1:
            _warn_of_classes(column, found, problems)
    return fit


def _are_labels(column: Column, words: NDArray[Any], problems: Problems) -> bool:
    """Words that come again and again, none of them a number."""
    names = sorted({word for word in words.tolist() if word})
    if len(names) < 2 or 2 * len(names) > len(words) or any(_is_number(name) for name in names):
        return False
    told = LabelsForNumbers(
        name=column.name, classes=listed(names), mend=_by_classes(len(names)), span=column.span
    )
    problems.add(told)
    return True


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _warn_of_classes(column: Column, values: NDArray[Any], problems: Problems) -> None:
    """Whole numbers without a gap from 0 or 1 on, few and each of them often."""
    known = distinct(values[~np.isnan(values)] if values.dtype.kind == "f" else values)
    if not 2 <= known.size <= MOST_CLASSES or known[0] not in (0, 1) or OFTEN * known.size > values.size:
        return
    if np.array_equal(known, np.arange(known.size) + known[0]):
        first, last = int(known[0]), int(known[-1])
        mend = _by_classes(known.size)
        problems.add(ClassesAsNumbers(name=column.name, first=first, last=last, mend=mend, span=column.span))


MOST_CLASSES = 10  # that whole numbers are taken for
OFTEN = 10  # as many samples of each


def _by_classes(count: int) -> str:
    if count == 2:
        return "`logistic` on `output 1` compares two"
    return f"`cross_entropy` on `output {count}` compares them"


def _of_numbers(table: Table, column: Column) -> Feature:
    found = table.columns.get(column.reads[0])
    width = 1 if found is None or np.ndim(found) == 1 else int(np.shape(found)[1])
    return Feature(column.name, column.reads, column.expression, width=width)


def classes_of(table: Table, kind: Kind, wanted: Wanted, problems: Problems) -> tuple[str, ...] | None:
    """The labels of a column in their order: numbers by value, words by their code points."""
    column = column_of(table, wanted, problems)
    if column is None:
        return None
    if column.ndim > 1:
        problems.add(OneColumnOfClasses(count=column.shape[1], span=wanted.span))
        return None
    names = dict.fromkeys(word for word in words_of(table, wanted, problems) if word)
    classes = tuple(sorted(names, key=float if column.dtype.kind in "iuf" else str))
    if kind != "class" and len(classes) != 2:
        mend = "`cross_entropy` takes any number of classes" if len(classes) > 2 else None
        problems.add(
            TwoClassesWanted(
                name=wanted.name, count=len(classes), classes=listed(classes), mend=mend, span=wanted.span
            )
        )
    return classes


def encode(
    table: Table,
    kind: Kind,
    features: Sequence[Feature],
    cells: Cells,
    spans: Mapping[str, Span],
    problems: Problems,
) -> NDArray[Any]:
    """float64 [outputs, rows], or int64 [rows] for `class`; NaN or class 0 where there is a gap."""
    if features[0].categories is None:
        return matrix(features, cells, table, spans, problems)
    indices = _indices(table, features[0], cells, spans, problems)
    match kind:
        case "binary":
            return indices[None].astype(np.float64)
        case "sign":
            return 2.0 * indices[None] - 1.0
        case _:
            return indices


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(f"`{name}`" for name in names[:LISTED]) + more


def _indices(
    table: Table, feature: Feature, cells: Cells, spans: Mapping[str, Span], problems: Problems
) -> NDArray[np.int64]:
    classes, name = feature.categories or (), feature.reads[0]
    words = cells.words[name]
    known = {label: index for index, label in enumerate(classes)}
    unseen = [row for row, word in enumerate(words) if word and word not in known]
    if unseen:
        notes = places(unseen, lambda row: f"{table.row_name(row)}: `{words[row]}`")
        problems.add(
            UnseenClass(name=feature.name, classes=listed(classes), span=spans.get(name), notes=notes)
        )
    return np.array([known.get(word, 0) for word in words], np.int64)


def _are_numbers_for(kind: Kind, table: Table, wanted: Sequence[Column]) -> bool:
    """Whether the columns hold what the loss takes without any labels being read."""
    if any(column.expression is not None for column in wanted):
        return True
    columns = [np.asarray(table.columns[w.name]) for w in wanted if w.name in table.columns]
    return all(not is_text(column) and not _outside(kind, column).any() for column in columns)


def _outside(kind: Kind, values: NDArray[Any]) -> NDArray[np.bool_]:
    match kind:
        case "binary":
            return np.asarray((values < 0) | (values > 1))
        case "sign":
            return np.asarray((np.abs(values) != 1) & ~np.isnan(values))
        case _:
            return np.zeros(values.shape, np.bool_)


def check_range(
    kind: Kind, name: str, values: Floats, told: Callable[[int], str], span: Span | None, problems: Problems
) -> None:
    """Numbers that the loss does not take, in [outputs, samples]; `told` names the place of a sample."""
    outside = np.flatnonzero(_outside(kind, values).any(axis=0)).tolist()
    if not outside or problems.errors:
        return
    problems.add(
        TargetOutside(
            name=name,
            wanted="numbers from 0 to 1" if kind == "binary" else "-1 and 1",
            rows="1 row does" if len(outside) == 1 else f"{len(outside):,} rows do",
            span=span,
            notes=places(outside, told),
        )
    )
