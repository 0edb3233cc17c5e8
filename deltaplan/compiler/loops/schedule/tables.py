"""Whole numbers that kernels read from memory: where the entries of sparse matrices are."""

from typing import Literal

from deltaplan.compiler.steps import Pattern, Sparse, Tensor
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """The entries of a pattern, by rows or by columns, as 32-bit whole numbers.

    First where each row (column) begins among the entries in that order, and their number; then of each entry
    in that order its row, its column, and its number among all entries row by row.
    """

    pattern: Pattern
    order: Literal["rows", "columns"]

    @property
    def name(self) -> str:
        """The name of the memory that it lies in."""
        p = self.pattern
        return f"{self.order} of {p.entries} in {p.rows}x{p.columns}, seed {p.seed}, {p.stream}"

    @property
    def lines(self) -> int:
        """Its rows or columns."""
        return self.pattern.rows if self.order == "rows" else self.pattern.columns

    @property
    def length(self) -> int:
        return self.lines + 1 + 3 * self.pattern.entries

    @property
    def tensor(self) -> Tensor:
        """What stands for it among the tensors of a kernel."""
        return Tensor(self.name, (self.length,))


def table_of(step: Sparse) -> Table:
    return Table(step.pattern, "columns" if step.slot == "x" else "rows")


def rows_of(step: Sparse) -> Table:
    """The entries by rows, which is how plain loops go through them whatever the slot."""
    return Table(step.pattern, "rows")
