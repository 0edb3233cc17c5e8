"""Cells without a value: the mistake that they are, and what `missing` does about them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from math import fsum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Missing, Strategy
from deltaplan.diagnostics import Problems, Span
from deltaplan.plugins.contracts import Table
from deltaplan.records import dataclass
from deltaplan.runtime.data.cells import Cells, Floats, Words
from deltaplan.runtime.data.problems import (
    MissingValue,
    NotFilledThere,
    NothingToFillWith,
    WordsHaveNoMean,
    places,
    rows_in_words,
)

Rows = NDArray[np.intp]
OFFER = "`missing mean`, `median`, `mode` or `drop` in the `data` block says what to do"


@dataclass(frozen=True, slots=True)
class Fills:
    """What stands where a column has no value, measured on the training part and saved with a run. A column
    of k numbers has k."""

    numbers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def closed(self, cells: Cells) -> Cells:
        """The cells with the gaps filled that can be."""
        numbers = {
            name: _filled(cells.numbers[name], v) for name, v in self.numbers.items() if name in cells.numbers
        }
        words = {
            name: np.where(cells.words[name] == "", word, cells.words[name])
            for name, word in self.words.items()
            if name in cells.words
        }
        return cells.with_(numbers, words)

    def to_data(self) -> dict[str, Any]:
        return {"numbers": {n: list(v) for n, v in self.numbers.items()}, "words": dict(self.words)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        numbers = {str(name): tuple(map(float, values)) for name, values in data["numbers"].items()}
        return cls(numbers, {str(name): str(word) for name, word in data["words"].items()})


def _filled(values: Floats, fill: tuple[float, ...]) -> Floats:
    gaps = np.isnan(values)
    return np.where(gaps, fill if values.ndim > 1 else fill[0], values) if gaps.any() else values


def fitted(
    cells: Cells,
    names: Iterable[str],
    missing: Missing,
    rows: Rows,
    spans: Mapping[str, Span],
    problems: Problems,
) -> Fills:
    """For each column with a strategy that fills, its value on the training `rows`."""
    numbers: dict[str, tuple[float, ...]] = {}
    words: dict[str, str] = {}
    for name in names:
        strategy, span = missing.of(name), spans.get(name)
        if strategy is None or strategy == "drop":
            continue
        if name in cells.numbers:
            values = cells.numbers[name][rows]
            columns = values.T if values.ndim > 1 else [values]
            given = [column[~np.isnan(column)] for column in columns]
            if all(len(column) for column in given):
                numbers[name] = tuple(STATISTICS[strategy](column) for column in given)
            elif cells.gaps(name).any():
                problems.add(NothingToFillWith(name=name, span=span))
        if name in cells.holes and cells.gaps(name).any():
            problems.add(NotFilledThere(name=name, span=span))
        if name in cells.words and (strategy == "mode" or cells.gaps(name).any()):
            found = _most_frequent_word(cells.words[name][rows])
            if strategy != "mode":
                problems.add(WordsHaveNoMean(name=name, statistic=strategy, span=span))
            elif found is None:
                problems.add(NothingToFillWith(name=name, span=span))
            else:
                words[name] = found
    return Fills(numbers, words)


def _mode(values: Floats) -> float:
    """The most frequent number, the smallest of those that are equally frequent."""
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def _most_frequent_word(words: Words) -> str | None:
    given = words[words != ""].astype(str)
    if not len(given):
        return None
    found, counts = np.unique(given, return_counts=True)
    return str(found[counts.argmax()])


STATISTICS: Mapping[Strategy, Callable[[Floats], float]] = {
    "mean": lambda values: fsum(values) / len(values),
    "median": lambda values: float(np.median(values)),
    "mode": _mode,
}


def tell_gaps(
    table: Table,
    cells: Cells,
    names: Iterable[str],
    spans: Mapping[str, Span],
    problems: Problems,
    mend: str | None = OFFER,
    among: NDArray[np.bool_] | None = None,
) -> None:
    """A mistake for each column with a gap, in the rows `among` where they are given."""
    for name in names:
        gaps = cells.gaps(name)
        rows = np.flatnonzero(gaps if among is None else gaps & among).tolist()
        if rows:
            problems.add(missing_value(table, name, rows, spans.get(name), mend))


def missing_value(
    table: Table, name: str, rows: Sequence[int], span: Span | None, mend: str | None
) -> MissingValue:
    notes = places(rows, table.row_name)
    return MissingValue(name=name, rows=rows_in_words(len(rows)), mend=mend, span=span, notes=notes)
