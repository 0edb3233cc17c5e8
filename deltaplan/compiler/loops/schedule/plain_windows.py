"""Windows as plain loops: over the places of the window, then over what is seen from there.

What lies outside of the sample is told by a test, so one nest serves the middle and the borders.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Affine,
    Compute,
    Fold,
    For,
    Load,
    Number,
    Place,
    Statement,
    Store,
    Within,
    affine,
)
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.tiles import Spot, Tile, plane
from deltaplan.compiler.steps import ArgMax, Conv, Map, Pool, Shape, Step, Tensor, Unpool
from deltaplan.compiler.windows import Window
from deltaplan.plugins.expressions import argument, const, equal, maximum, where

Body = tuple[Statement, ...]
Kept = Callable[[str], Body]  # what becomes of a result
ROW, COLUMN, CHANNEL, NUMBER = "i", "j", "c", "n"
OFFSETS = ("p", "q")  # within the window
SEEN = ("r", "s")  # what is seen there, of the sample
X0, X1, X2, X3 = (argument(f"x{i}") for i in range(4))


def may_follow(first: Step, step: Step) -> bool:
    """Whether a map works on what a convolution or a pool gives, number by number."""
    gives = isinstance(first, Pool) or (isinstance(first, Conv) and first.slot == "y")
    if not gives or not isinstance(step, Map):
        return False
    shape = first.outputs[0].shape
    fits = (zip(reversed(t.shape), reversed(shape), strict=False) for t in step.inputs)
    return step.outputs[0].shape == shape and all(n in (1, m) for pairs in fits for n, m in pairs)


class View:
    """A window on a sample [height, width, …] from each of its places."""

    def __init__(self, window: Window, sides: Sequence[int], places: Sequence[int]) -> None:
        self.window, self.sides, self.places = window.plane(), tuple(sides), tuple(places)

    def each_place(self, body: Body) -> Body:
        rows, columns = self.places
        return (For(ROW, rows, (For(COLUMN, columns, body),)),)

    def seen(self, axis: int) -> tuple[Body, Place]:
        """What an offset sees on an axis, and where that may lie outside of the sample the test for it."""
        window, place = self.window, (ROW, COLUMN)[axis]
        stride, dilation, before = window.stride[axis], window.dilation[axis], window.before[axis]
        found = Affine(((place, stride), (OFFSETS[axis], dilation)), -before)
        most = (self.places[axis] - 1) * stride + (window.kernel[axis] - 1) * dilation - before
        if before <= 0 and most < self.sides[axis]:
            return (), found
        return (Within(SEEN[axis], found, self.sides[axis]),), SEEN[axis]

    @property
    def where(self) -> tuple[Place, Place]:
        return self.seen(0)[1], self.seen(1)[1]

    def each_offset(self, body: Body) -> Body:
        """The body for all that is seen from a place."""
        for axis in (1, 0):
            body = (For(OFFSETS[axis], self.window.kernel[axis], (*self.seen(axis)[0], *body)),)
        return body

    def folded(self, body: Body, taken: Sequence[str], before: Sequence[str]) -> tuple[Body, list[str]]:
        """Folds of what the body makes, `taken`, over all that is seen; the body knows what it was before as
        the names of `inner`."""
        names = list(taken)
        for axis in (1, 0):
            own = inner(before) if axis else [f"{name}_rows" for name in before]
            firsts = [f"{name}_rows" for name in before] if axis else before
            sums = tuple(
                Accumulator(name, (value,), "carry", first)
                for name, value, first in zip(own, names, firsts, strict=True)
            )
            body = (Fold(OFFSETS[axis], self.window.kernel[axis], (*self.seen(axis)[0], *body), sums),)
            names = own
        return body, names


def inner(before: Sequence[str]) -> list[str]:
    """The names of what is carried within the innermost loop over offsets."""
    return [f"{name}_columns" for name in before]


def each_sample(body: Body, tensor: Tensor, axes: Axes) -> Body:
    return (For(SAMPLE, axes.batch, body),) if tensor.batched else body


def zeros(tensor: Tensor, axes: Axes, names: Names) -> Body:
    """A tensor of zeros, to which something is added."""
    body: Body = (
        Compute(("zero",), (const(0.0),), ()),
        Store(names.buffer(tensor), axes.index(tensor, NUMBER), "zero"),
    )
    return (For(NUMBER, tensor.size, each_sample(body, tensor, axes)),)


class Maps:
    """A window between two maps [*sides, channels], channel by channel: `narrow` has its places, `wide` is
    what they see."""

    def __init__(self, window: Window, wide: Tensor, narrow: Tensor, axes: Axes, names: Names) -> None:
        self.axes, self.names = axes, names
        self.wide, self.narrow, self.window = wide, narrow, window
        self.view = View(window, self.shape(wide)[:2], self.shape(narrow)[:2])

    def shape(self, tensor: Tensor) -> Shape:
        return plane(tensor.shape, self.window.axes)

    def load(self, name: str, tensor: Tensor, where: tuple[Place, Place]) -> Load:
        store = self.store(name, tensor, where)
        return Load(name, store.buffer, store.index)

    def store(self, name: str, tensor: Tensor, where: tuple[Place, Place]) -> Store:
        buffer = self.names.buffer(tensor, self.shape(tensor))
        return Store(buffer, self.axes.index(self.names.root(tensor), *where, CHANNEL), name)

    def each(self, body: Body) -> Body:
        """The body for each place and channel."""
        channels: Body = (For(CHANNEL, self.narrow.shape[-1], body),)
        return each_sample(self.view.each_place(channels), self.narrow, self.axes)

    def combined(self, body: Body, firsts: Mapping[str, float], taken: Sequence[str], kept: Kept) -> Body:
        """At each place what the body makes of all that is seen; the first of its results is `kept`."""
        begun: Body = (Compute((*firsts,), tuple(map(const, firsts.values())), ()),)
        folds, values = self.view.folded(body, taken, [*firsts])
        return self.each((*begun, *folds, *kept(values[0])))


def pool(group: Group, axes: Axes, names: Names) -> Body:
    """The sum or maximum of what a place sees, and the maps that follow it."""
    step = group.steps[0]
    assert isinstance(step, Pool)
    (x,) = step.inputs
    maps = Maps(step.window, x, step.output, axes, names)
    expression = X0 + X1 if step.kind == "sum" else maximum(X0, X1)
    first = {"sum": 0.0} if step.kind == "sum" else {"most": -inf}
    (before,) = inner([*first])
    body: Body = (maps.load("x", x, maps.view.where), Compute(("y",), (expression,), (before, "x")))
    spot = Spot(maps.shape(step.output), (ROW, COLUMN), [CHANNEL])
    tile = Tile(group, axes, names, spot)
    return maps.combined(body, first, ["y"], lambda value: tile.statements([value]))


def argmax(step: ArgMax, window: Window, axes: Axes, names: Names) -> Body:
    """Where the first of the largest numbers stands; the first that is not a number, if any is not."""
    (x,) = step.inputs
    maps = Maps(window, x, step.output, axes, names)
    row, column = maps.view.where
    first = {"place": -1.0, "most": 0.0}
    place, most = inner([*first])
    width = maps.view.sides[1]
    better = (X3 < 0) | (X0 > X1) | (~equal(X0, X0) & equal(X1, X1))
    body: Body = (
        maps.load("x", x, (row, column)),
        Number("n", _counted(row, column, width)),
        Compute(("to", "by"), (where(better, X2, X3), where(better, X0, X1)), ("x", most, "n", place)),
    )
    own = (ROW, COLUMN)
    return maps.combined(body, first, ["to", "by"], lambda value: (maps.store(value, step.output, own),))


def _counted(row: Place, column: Place, width: int) -> Affine:
    """A place of a map, counted row by row."""
    terms: dict[str, int] = {}
    fixed = 0
    for place, factor in ((row, width), (column, 1)):
        form = affine(place)
        fixed += form.offset * factor
        for name, own in form.terms:
            terms[name] = terms.get(name, 0) + own * factor
    return Affine(tuple(terms.items()), fixed)


def unpool(step: Unpool, axes: Axes, names: Names) -> Body:
    """Each number given to all that its window sees: once where windows lie side by side, else added up."""
    (y,) = step.inputs
    maps = Maps(step.window, step.output, y, axes, names)
    where = maps.view.where
    load = maps.load("y", y, (ROW, COLUMN))
    if _side_by_side(step.window, maps.shape(step.output), maps.shape(y)):
        return maps.each((load, *maps.view.each_offset((maps.store("y", step.output, where),))))
    added: Body = (
        maps.load("before", step.output, where),
        Compute(("after",), (X0 + X1,), ("before", "y")),
        maps.store("after", step.output, where),
    )
    body = maps.each((load, *maps.view.each_offset(added)))
    return (*zeros(names.root(step.output), axes, names), *body)


def _side_by_side(window: Window, wide: Shape, narrow: Shape) -> bool:
    """Whether each number of a map is seen from one place."""
    w = window.plane()
    tiles = tuple(n * k for n, k in zip(narrow[:2], w.kernel, strict=True))
    return (w.kernel, (1, 1), (0, 0), wide[:2]) == (w.stride, w.dilation, w.before, tiles)
