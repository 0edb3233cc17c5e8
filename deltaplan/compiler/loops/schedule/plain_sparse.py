"""Products with sparse matrices as plain loops: row by row over the entries, whose columns are read from a
table; the three slots go through the same numbers, and only one of them is written."""

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Fold,
    For,
    Load,
    Lookup,
    MultiplyAdd,
    Place,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.plain_windows import each_sample, zeros
from deltaplan.compiler.loops.schedule.rows import ROW, Rows
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.tables import table_of
from deltaplan.compiler.steps import Map, Slot, Sparse, Step, slots_of

Body = tuple[Statement, ...]
ENTRY, BEGIN, END, COLUMN = "n", "begin", "end", "column"


def may_follow(first: Step, step: Step) -> bool:
    """Whether a map works on the rows of a product, one at a time."""
    if not (isinstance(first, Sparse) and first.slot == "y" and isinstance(step, Map)):
        return False
    shape = first.output.shape
    return step.outputs[0].shape == shape and all(t.shape in (shape, (), (1,)) for t in step.inputs)


def statements(group: Group, axes: Axes, names: Names) -> Body:
    """One slot of the product, and for `y` the maps that follow it. The table has where each row begins among
    the entries, their number, and the column of each entry."""
    return Entries(group, axes, names).statements()


class Entries:
    """The loops over the entries of a pattern."""

    def __init__(self, group: Group, axes: Axes, names: Names) -> None:
        step = group.steps[0]
        assert isinstance(step, Sparse)
        self.group, self.step, self.axes, self.names = group, step, axes, names
        self.pattern = step.pattern
        self.tensors = {slot: names.root(tensor) for slot, tensor in slots_of(step).items()}

    def statements(self) -> Body:
        slot, y = self.step.slot, self.tensors["y"]
        inner = self.sum() if slot == "y" else (self.load("y", "y"), self.added(slot))
        rows = For(ROW, self.pattern.rows, (self.lookup(BEGIN, 0), self.lookup(END, 1), *inner))
        body = each_sample((rows,), y, self.axes)
        if slot == "y" or (slot == "w" and y.batched):
            return body
        return (*zeros(self.tensors[slot], self.axes, self.names), *body)

    def sum(self) -> Body:
        """Of a row, and what follows."""
        body = (self.column(), self.load("w", "w"), self.load("x", "x"))
        fold = Fold(ENTRY, END, body, (Accumulator("sum", ("w", "x")),), begin=BEGIN)
        return fold, *Rows(self.group, self.axes, self.names).after("sum")

    def added(self, slot: Slot) -> Fold:
        """To x or w what each entry of a row adds."""
        other: Slot = "w" if slot == "x" else "x"
        body = (
            self.column(),
            self.load("before", slot),
            self.load("u", other),
            MultiplyAdd("after", "before", "y", "u"),
            self.store("after", slot),
        )
        return Fold(ENTRY, END, body, (), begin=BEGIN)

    def lookup(self, variable: str, number: int) -> Lookup:
        """Where a row begins or ends among the entries."""
        return self._lookup(variable, at(ROW, number), self.pattern.entries + 1)

    def column(self) -> Lookup:
        return self._lookup(COLUMN, at(ENTRY, self.pattern.rows + 1), self.pattern.columns)

    def _lookup(self, variable: str, place: Place, below: int) -> Lookup:
        length = self.pattern.rows + 1 + self.pattern.entries
        table = self.names.table(table_of(self.step), length)
        return Lookup(variable, table, (place,), below)

    def load(self, name: str, slot: Slot) -> Load:
        store = self.store(name, slot)
        return Load(name, store.buffer, store.index)

    def store(self, name: str, slot: Slot) -> Store:
        tensor, place = self.tensors[slot], {"x": COLUMN, "w": ENTRY, "y": ROW}[slot]
        return Store(self.names.buffer(tensor), self.axes.index(tensor, place), name)
