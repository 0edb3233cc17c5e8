"""Tables of one kind, one below the other: the files of a data block, or the one that there is."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import PartName
from deltaplan.diagnostics import Problems, Span
from deltaplan.plugins.contracts import Table
from deltaplan.records import dataclass
from deltaplan.runtime.data.cells import is_text
from deltaplan.runtime.data.problems import FilesDoNotFit


@dataclass(frozen=True, slots=True)
class Stack:
    """One table of all rows. `lengths` and `parts` are those of the tables that it is made of."""

    table: Table
    lengths: tuple[int, ...]
    parts: tuple[PartName | None, ...]

    def marks(self, part: PartName) -> NDArray[np.bool_]:
        """[rows], true for those of a part's tables."""
        return np.repeat([each == part for each in self.parts], self.lengths)


Named = tuple[str, Span | None]  # a file, and where the spec names it


def stacked(tables: Sequence[Table], parts: Sequence[PartName | None], files: Sequence[Named]) -> Stack:
    """The tables as one, with the columns that all of them have.

    Raises SpecError where a column holds numbers in one file and words in another, or differs in width.
    """
    if len(tables) == 1:
        return Stack(tables[0], (tables[0].rows,), tuple(parts))
    problems = Problems()
    common = [name for name in tables[0].columns if all(name in table.columns for table in tables)]
    columns = {name: _joined(name, tables, files, problems) for name in common}
    problems.raise_errors()
    ends = list(accumulate(table.rows for table in tables))

    def row_name(row: int) -> str:
        index = int(np.searchsorted(ends, row, side="right"))
        return tables[index].row_name(row - ends[index] + tables[index].rows)

    warnings = tuple(dict.fromkeys(text for table in tables for text in table.warnings))
    shapes = {name: tables[0].shapes.get(name) for name in columns}
    alike = {n: s for n, s in shapes.items() if s and all(table.shapes.get(n) == s for table in tables)}
    unread = {name: why for table in tables for name, why in table.unread.items()}
    whole = Table(columns, ends[-1], row_name, warnings, alike, unread)
    return Stack(whole, tuple(table.rows for table in tables), tuple(parts))


def _joined(name: str, tables: Sequence[Table], files: Sequence[Named], problems: Problems) -> NDArray[Any]:
    """One column of all tables; where one has no value in it, it is of whatever kind the others are."""
    columns = [np.asarray(table.columns[name]) for table in tables]
    kinds = [_kind(column) for column in columns]
    known = [kind for kind in kinds if kind]
    for (file, span), kind in zip(files, kinds, strict=True):
        if kind and kind != known[0]:
            first, _ = files[kinds.index(known[0])]
            problems.add(
                FilesDoNotFit(name=name, first=known[0], file=first, other=kind, others=file, span=span)
            )
            return columns[0]
    if known and known[0] == "words":
        columns = [c if is_text(c) else np.full(len(c), "", dtype=object) for c in columns]
    return np.concatenate(columns)


def _kind(column: NDArray[Any]) -> str | None:
    if is_text(column):
        return "words"
    if column.ndim > 1:
        return f"{column.shape[1]} numbers a row"
    empty = column.dtype.kind == "f" and bool(np.isnan(column).all())
    return None if empty else "numbers"
