"""Convolutions as plain loops: the three slots go through the same numbers in the same order, and only one of
them is written."""

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Affine,
    Compute,
    Fold,
    For,
    Load,
    MultiplyAdd,
    Place,
    Statement,
    Store,
)
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.convolve import form_of
from deltaplan.compiler.loops.schedule.plain_windows import (
    CHANNEL,
    COLUMN,
    OFFSETS,
    ROW,
    View,
    each_sample,
    inner,
    zeros,
)
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.tiles import Spot, Tile
from deltaplan.compiler.steps import Conv, Slot, slots_of
from deltaplan.plugins.expressions import const

Body = tuple[Statement, ...]
GROUP, OUT = "g", "k"


def statements(group: Group, axes: Axes, names: Names) -> Body:
    """A convolution by one of its slots, and for `y` the maps that follow it."""
    step = group.steps[0]
    assert isinstance(step, Conv)
    product = Product(step, axes, names)
    if step.slot != "y":
        return product.spread()
    return product.gathered(group)


class Product:
    """The loops of a convolution."""

    def __init__(self, step: Conv, axes: Axes, names: Names) -> None:
        self.step, self.axes, self.names = step, axes, names
        self.shapes = form_of(step).shapes
        self.view = View(step.window, self.shapes["x"][:2], self.shapes["y"][:2])
        self.tensors = {slot: names.root(tensor) for slot, tensor in slots_of(step).items()}

    def place(self, slot: Slot) -> tuple[Place, ...]:
        row, column = self.view.where
        match slot:
            case "x":
                return (row, column, GROUP, CHANNEL)
            case "w":
                return (GROUP, OUT, *OFFSETS, CHANNEL)
            case _:
                return (ROW, COLUMN, GROUP, OUT)

    def load(self, name: str, slot: Slot) -> Load:
        store = self.store(name, slot)
        return Load(name, store.buffer, store.index)

    def store(self, name: str, slot: Slot) -> Store:
        tensor, shape = self.tensors[slot], self.shapes[slot]
        return Store(self.names.buffer(tensor, shape), self.axes.index(tensor, *self.place(slot)), name)

    def gathered(self, group: Group) -> Body:
        """y as sums over all that is seen from a place."""
        zero: Body = (Compute(("sum",), (const(0.0),), ()),)
        (carried,) = inner(["sum"])
        total = Accumulator("channels", ("w", "x"), first=carried)
        channels = Fold(CHANNEL, self.shapes["x"][-1], (self.load("x", "x"), self.load("w", "w")), (total,))
        body, (value,) = self.view.folded((channels,), ["channels"], ["sum"])
        rows, columns, groups, out = self.shapes["y"]
        own = Affine(((GROUP, out), (OUT, 1)))
        spot = Spot((rows, columns, groups * out), (ROW, COLUMN), [own])
        maps = Tile(group, self.axes, self.names, spot).statements([value])
        return self._each((*zero, *body, *maps))

    def spread(self) -> Body:
        """x or w as what each number of y adds to them."""
        slot = self.step.slot
        other: Slot = "w" if slot == "x" else "x"
        added: Body = (
            self.load("before", slot),
            self.load("u", other),
            MultiplyAdd("after", "before", "y", "u"),
            self.store("after", slot),
        )
        channels: Body = (For(CHANNEL, self.shapes["x"][-1], added),)
        body = self._each((self.load("y", "y"), *self.view.each_offset(channels)))
        if slot == "w" and self.tensors["y"].batched:
            return body
        return (*zeros(self.tensors[slot], self.axes, self.names), *body)

    def _each(self, body: Body) -> Body:
        _, _, groups, out = self.shapes["y"]
        body = (For(GROUP, groups, (For(OUT, out, body),)),)
        return each_sample(self.view.each_place(body), self.tensors["y"], self.axes)
