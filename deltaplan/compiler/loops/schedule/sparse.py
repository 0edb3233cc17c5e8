"""Products with sparse matrices, whose places are read from tables: `runtime.patterns` fills these."""

from deltaplan.compiler.loops.nest import Accumulator, Fold, For, Load, Lookup, Statement, Store, at
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.results import kept
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.tables import table_of
from deltaplan.compiler.steps import Sparse, slots_of

Body = tuple[Statement, ...]
ROW, ENTRY = "i", "n"
TOGETHER = 8  # entries whose lanes are added at once


def statements(step: Sparse, axes: Axes, names: Names) -> Body:
    """One slot of the product."""
    writer = Entries(step, axes, names)
    return writer.entries() if step.slot == "w" else writer.product()


class Entries:
    """The loops over the entries of a pattern."""

    def __init__(self, step: Sparse, axes: Axes, names: Names) -> None:
        self.step, self.axes, self.names = step, axes, names
        self.pattern, self.table = step.pattern, table_of(step)
        self.numbers = names.table(self.table)
        found = slots_of(step)
        self.x, self.w, self.y = (names.root(found[slot]) for slot in ("x", "w", "y"))

    def lookup(self, variable: str, part: int, number: int = 0) -> Lookup:
        """Of the entry at hand its row (part 0), column (1) or number (2)."""
        begin = self.table.lines + 1 + part * self.pattern.entries + number
        below = (self.pattern.rows, self.pattern.columns, self.pattern.entries)[part]
        return Lookup(variable, self.numbers, (at(ENTRY, begin),), below)

    def product(self) -> Body:
        """A row (column) of the matrix times what comes in, summed up in a register."""
        out = self.step.output
        given, part = (self.x, 1) if self.step.slot == "y" else (self.y, 0)
        body: Body = (
            self.lookup("place", part),
            self.lookup("number", 2),
            Load("w", self.names.buffer(self.w), self.axes.index(self.w, "number")),
            Load("x", self.names.buffer(given), self.axes.index(given, "place")),
        )
        entries = self.pattern.entries
        ends = tuple(
            Lookup(name, self.numbers, (at(ROW, n),), entries + 1) for n, name in enumerate(("begin", "end"))
        )
        fold = Fold(ENTRY, "end", body, (Accumulator("s", ("w", "x")),), begin="begin")
        store = Store(self.names.buffer(out), self.axes.index(out, ROW), "s")
        inner: Body = self.axes.each_net((fold, store))
        inner = self.axes.each_sample(inner) if out.batched else inner
        return (For(ROW, self.table.lines, (*ends, *inner)),)

    def entries(self) -> Body:
        """What each entry gets, over the samples."""
        body: Body = ()
        for begin, end, height in row_blocks(self.pattern.entries, TOGETHER):
            places = tuple(
                self.lookup(f"{name}{r}", part, r)
                for r in range(height)
                for part, name in enumerate(("row", "column"))
            )
            inner = self.axes.each_net(self.some(height))
            body += (For(ENTRY, end, (*places, *inner), step=height, begin=begin),)
        return body

    def some(self, height: int) -> Body:
        """So many entries at once."""
        x, y, w = (self.names.buffer(t) for t in (self.x, self.y, self.step.output))
        loads: list[Statement] = []
        for r in range(height):
            loads.append(Load(f"x{r}", x, self.axes.index(self.x, f"column{r}")))
            loads.append(Load(f"y{r}", y, self.axes.index(self.y, f"row{r}")))
        sums = tuple(Accumulator(f"s{r}", (f"x{r}", f"y{r}")) for r in range(height))
        stores = kept(
            self.axes,
            (Store(w, self.axes.index(self.step.output, at(ENTRY, r)), f"s{r}") for r in range(height)),
        )
        if self.y.batched:
            return (*self.axes.over_samples(tuple(loads), sums), *stores)
        return (Fold(SAMPLE, 1, tuple(loads), sums), *stores)
