"""How the columns of one input or output become numbers: as they are, by a formula, or one for each category.
Saved with a run, and applied as it is to new data."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Column
from deltaplan.diagnostics import Note, Problems, Span, nearest
from deltaplan.plugins.contracts import Table
from deltaplan.plugins.expressions import Expr, from_data, to_data
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Scratch, calls
from deltaplan.runtime.data.cells import (
    Cells,
    Floats,
    Wanted,
    Words,
    column_of,
    is_of_categories,
    numbers_of,
    rows_where,
    words_of,
)
from deltaplan.runtime.data.problems import (
    TOLD,
    TooManyCategories,
    Undefined,
    UnknownCategory,
    places,
    rows_in_words,
)

FEW = 20  # categories that any table may have
MANY = 1000


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a spec. `expression` has the columns in `reads` as its arguments; `categories` are the
    names of which each has a number that is 1 where it stands; `width` is how many numbers it gives."""

    name: str
    reads: tuple[str, ...]
    expression: Expr | None = None
    categories: tuple[str, ...] | None = None
    width: int = 1

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each of its numbers: `t`, `port=Cherbourg`, `pixels[3]`."""
        if self.categories is not None:
            return tuple(f"{self.name}={category}" for category in self.categories)
        return (self.name,) if self.width == 1 else tuple(f"{self.name}[{i + 1}]" for i in range(self.width))

    def to_data(self) -> dict[str, Any]:
        """Plain data for JSON; what is as usual is left out."""
        found: dict[str, Any] = {"name": self.name}
        found |= {"reads": list(self.reads)} if self.reads != (self.name,) else {}
        found |= {"expression": to_data(self.expression)} if self.expression is not None else {}
        found |= {"categories": list(self.categories)} if self.categories is not None else {}
        return found | ({"width": self.width} if self.width != 1 else {})

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        name, categories = str(data["name"]), data.get("categories")
        return cls(
            name,
            tuple(map(str, data.get("reads", [name]))),
            from_data(data["expression"]) if "expression" in data else None,
            tuple(map(str, categories)) if categories is not None else None,
            int(data.get("width", 1)),
        )


def feature_of(column: Column, table: Table, problems: Problems) -> Feature:
    """The column of a spec as the data has it; what does not fit is told."""
    name, reads = column.name, column.reads
    found = column_of(table, Wanted(reads[0], column.span), Problems())
    if column.expression is not None or found is None:
        return Feature(name, reads, column.expression, width=1 if found is None else _width(found))
    if column.labels or is_of_categories(found):
        categories = _categories(table, column, problems)
        return Feature(name, reads, categories=categories, width=len(categories))
    return Feature(name, reads, width=_width(found))


def _width(column: NDArray[Any]) -> int:
    return 1 if column.ndim == 1 else int(column.shape[1])


def _categories(table: Table, column: Column, problems: Problems) -> tuple[str, ...]:
    """The names in all rows, numbers by value and words by their code points."""
    found = column_of(table, Wanted(column.reads[0]), Problems())
    assert found is not None, "the column was looked up"
    words = words_of(table, Wanted(column.reads[0]), Problems())
    names = dict.fromkeys(word for word in words if word)
    ordered = tuple(sorted(names, key=float if found.dtype.kind in "iuf" else str))
    many = len(ordered) > MANY or (len(ordered) > FEW and 2 * len(ordered) > table.rows)
    if many:
        rows = rows_in_words(table.rows)
        problems.add(TooManyCategories(name=column.reads[0], count=len(ordered), rows=rows, span=column.span))
    return ordered


def read_cells(
    table: Table,
    features: Iterable[Feature],
    spans: Mapping[str, Span],
    problems: Problems,
    nameable: Container[str] = (),
) -> Cells:
    """The columns that the features are made of, each as numbers or words; `nameable` are those that could be
    read as either."""
    features = list(features)
    words = dict.fromkeys(f.reads[0] for f in features if f.categories is not None)
    numbers = dict.fromkeys(name for f in features if f.categories is None for name in f.reads)

    def wanted(name: str) -> Wanted:
        return Wanted(name, spans.get(name), name in nameable)

    return Cells(
        {name: numbers_of(table, wanted(name), problems) for name in numbers},
        {name: words_of(table, wanted(name), problems) for name in words},
        table.rows,
    )


def matrix(
    features: Sequence[Feature], cells: Cells, table: Table, spans: Mapping[str, Span], problems: Problems
) -> Floats:
    """The numbers of the features [numbers, rows], NaN where a gap is left."""
    found = [_numbers(feature, cells, table, spans, problems) for feature in features]
    return np.concatenate(found) if found else np.empty((0, cells.rows))


def _numbers(
    feature: Feature, cells: Cells, table: Table, spans: Mapping[str, Span], problems: Problems
) -> Floats:
    if feature.categories is not None:
        return _one_hot(feature, cells.words[feature.reads[0]], table, spans, problems)
    if feature.expression is not None:
        return _computed(feature, cells, table, spans, problems)
    return np.atleast_2d(cells.numbers[feature.reads[0]].T)


def _one_hot(
    feature: Feature, words: Words, table: Table, spans: Mapping[str, Span], problems: Problems
) -> Floats:
    assert feature.categories is not None
    places_ = {name: index for index, name in enumerate(feature.categories)}
    index = np.array([places_.get(word, -1) for word in words], np.intp)
    unknown = np.flatnonzero((index < 0) & (words != "")).tolist()
    if unknown:
        problems.add(_unknown_category(feature, words, unknown, table, spans.get(feature.reads[0])))
    found = np.zeros((len(places_), len(words)))
    rows = np.flatnonzero(index >= 0)
    found[index[rows], rows] = 1.0
    found[:, words == ""] = np.nan
    return found


def _unknown_category(
    feature: Feature, words: Words, rows: list[int], table: Table, span: Span | None
) -> UnknownCategory:
    def told(row: int) -> str:
        similar = nearest(words[row], feature.categories or ())
        return f"{table.row_name(row)}: `{words[row]}`" + (f", similar name: `{similar}`" if similar else "")

    return UnknownCategory.of(feature.name, feature.categories or (), places(rows, told), span)


def _computed(
    feature: Feature, cells: Cells, table: Table, spans: Mapping[str, Span], problems: Problems
) -> Floats:
    """The expression of columns of one width; where it has no finite value, though its columns have one, that
    is told."""
    assert feature.expression is not None
    arguments = {name: np.atleast_2d(cells.numbers[name].T) for name in feature.reads}
    shape = np.broadcast_shapes(*(a.shape for a in arguments.values()))
    out = np.empty(shape)
    with np.errstate(all="ignore"):
        for call in calls([feature.expression], arguments, [out], Scratch(np.dtype(np.float64))):
            call()
    given = ~np.isnan(sum(np.broadcast_to(a, shape) for a in arguments.values()))
    wrong = rows_where((given & ~np.isfinite(out)).T)
    if wrong:
        notes = places(wrong, lambda row: _values_at(feature, arguments, table, row))
        span, rows = spans.get(feature.name), rows_in_words(len(wrong))
        problems.add(Undefined(name=feature.name, rows=rows, span=span, notes=notes))
    return out


def _values_at(feature: Feature, arguments: Mapping[str, Floats], table: Table, row: int) -> str:
    values = ", ".join(f"`{name}` is {arguments[name][0, row]:g}" for name in feature.reads[:TOLD])
    return f"{table.row_name(row)}: {values}"


def widths(features: Sequence[Feature]) -> tuple[Note, ...]:
    """A note on each column that gives several numbers."""
    return tuple(
        Note(f"`{f.name}` gives {f.width} numbers" + (", one for each category" if f.categories else ""))
        for f in features
        if f.width != 1
    )[:TOLD]
