"""Where the entries of sparse matrices are, as tables of whole numbers in C."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from deltaplan.compiler.loops.c.arguments import LINE
from deltaplan.compiler.loops.c.kernels import PLACES
from deltaplan.compiler.loops.c.ports import Cells
from deltaplan.compiler.loops.schedule.tables import Table
from deltaplan.compiler.steps import Pattern


class Entries:
    """The tables of a file: of each matrix where its rows begin among its entries and their number, then the
    column of each entry. All are of the same type, the smaller one where that is enough."""

    def __init__(self, tables: Sequence[Table], cells: Callable[[Pattern], Cells]) -> None:
        names = (f"entries_{number}" for number, _ in enumerate(tables, 1))
        self.tables, self.spaces = tables, dict(zip((table.name for table in tables), names, strict=True))
        self._numbers = [numbers_of(table, *cells(table.pattern)) for table in tables]
        self._each = 2 if all(max(numbers) < 1 << 16 for numbers in self._numbers) else 4

    @property
    def bytes(self) -> int:
        return self._each * sum(map(len, self._numbers))

    def text(self) -> Iterator[str]:
        """The type and the tables."""
        if not self.tables:
            return
        yield f"typedef {'uint16_t' if self._each == 2 else 'int32_t'} {PLACES};\n"
        for table, name, numbers in zip(self.tables, self.spaces.values(), self._numbers, strict=True):
            what = f"{table.pattern.rows} x {table.pattern.columns}: where rows begin, then columns"
            yield _table(name, numbers, what)


def numbers_of(table: Table, rows: Sequence[int], columns: Sequence[int]) -> list[int]:
    """Where rows begin and end, then columns; entries are in order."""
    counts = Counter(rows)
    begins = accumulate((counts[row] for row in range(table.pattern.rows)), initial=0)
    return [*begins, *columns]


def _table(name: str, numbers: Sequence[int], what: str) -> str:
    lines, line = [f"/* {what} */", f"static const {PLACES} {name}[{len(numbers)}] = {{"], "   "
    for number in numbers:
        if len(line) + len(str(number)) + 2 > LINE:
            lines.append(line)
            line = "   "
        line += f" {number},"
    return "\n".join([*lines, line, "};"]) + "\n"
