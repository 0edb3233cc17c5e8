"""Direct convolution: blocks of channels as sums in registers, for all samples at one place at once.

No patches are copied: what a place sees of a row of the sample lies there side by side, so that one fold runs
along a row of the kernel with its channels.
"""

from collections.abc import Sequence
from functools import partial
from itertools import count

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Affine,
    Compute,
    Fold,
    For,
    Index,
    Load,
    Statement,
    affine,
    at,
)
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.places import Run, Runs, runs_of_numbers, runs_of_places
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.taps import Met, Sums, over
from deltaplan.compiler.loops.schedule.tiles import Spot, Tile, plane, tile
from deltaplan.compiler.steps import Conv, Shape, Slot, Tensor, slots_of
from deltaplan.plugins.expressions import const
from deltaplan.records import dataclass

Body = tuple[Statement, ...]
ROW, COLUMN, GROUP, CHANNEL, SUMMED = "i", "j", "g", "o", "c"
UNROLLED = 12  # products up to which a sum is written out


@dataclass(frozen=True, slots=True)
class Form:
    """A slot of a convolution as sums over the offsets of the kernel and the channels of what is `given`.

    Planes are [height, width, groups, channels], the kernel is [groups, out, height, width, channels].
    """

    step: Conv
    given: Tensor
    weights: Tensor
    shapes: dict[Slot, Shape]
    runs: tuple[Runs, ...]

    @property
    def written(self) -> Shape:
        """The plane that is written."""
        return self.shapes[self.step.slot]

    @property
    def read(self) -> Shape:
        """The plane that is given."""
        return self.shapes["x" if self.step.slot == "y" else "y"]

    @property
    def in_rows(self) -> bool:
        """Whether what a place sees of a row of the sample stands there as it does in the kernel."""
        window = self.step.window.plane()
        return self.step.slot == "y" and self.step.groups == 1 and window.dilation[1] == 1


def form_of(step: Conv) -> Form:
    found = slots_of(step)
    shapes = {slot: plane_of(step, slot, tensor) for slot, tensor in found.items()}
    runs_of = runs_of_places if step.slot == "y" else runs_of_numbers
    runs = runs_of(step.window.plane(), shapes["x"][:2], shapes["y"][:2])
    return Form(step, found["x" if step.slot == "y" else "y"], found["w"], shapes, runs)


def plane_of(step: Conv, slot: Slot, tensor: Tensor) -> Shape:
    """The shape of x and y as [height, width, groups, channels], of w with groups and two axes."""
    if slot == "w":
        out, *kernel, channels = tensor.shape
        sides = kernel if len(kernel) == 2 else [1, *kernel]
        return (step.groups, out // step.groups, *sides, channels)
    *sides, channels = plane(tensor.shape, step.window.axes)
    return (*sides, step.groups, channels // step.groups)


def statements(group: Group, axes: Axes, names: Names) -> Body:
    """A convolution, by its slot `y` or `x`, and the maps that follow it."""
    step = group.steps[0]
    assert isinstance(step, Conv)
    form = form_of(step)
    rows, columns = form.runs
    return tuple(_area(group, form, (row, column), axes, names) for row in rows for column in columns)


def _area(group: Group, form: Form, runs: tuple[Run, Run], axes: Axes, names: Names) -> For:
    """All places that see through the same offsets."""
    channels = form.written[-1]
    vectors, block, places = tile(channels, runs[1].count, axes)
    body: Body = ()
    for begin, end, height in row_blocks(channels, block):
        inner = axes.each_net(Block(group, form, runs, (height, places), axes, names).statements())
        if form.step.output.batched:
            inner = axes.each_sample(inner, vectors)
        body += (For(CHANNEL, end, inner, step=height, begin=begin),)
    body = (For(GROUP, form.step.groups, body),)
    return For(ROW, runs[0].count, (For(COLUMN, runs[1].count, body, step=places),))


class Block:
    """The sums of a block of channels at some places in a row, those of one place after the other."""

    def __init__(
        self,
        group: Group,
        form: Form,
        runs: tuple[Run, Run],
        block: tuple[int, int],
        axes: Axes,
        names: Names,
    ) -> None:
        self.group, self.form, self.runs = group, form, runs
        self.height, self.places = block
        self.axes, self.names = axes, names
        self.given, self.weights = names.root(form.given), names.root(form.weights)
        self._fresh = map("t{}".format, count())

    def statements(self) -> Body:
        row, column = self.runs
        body, totals = self.rows(row, column) if row.taps and column.taps else self.zeros()
        *sides, groups, channels = self.form.written
        own = [Affine(((GROUP, channels), (CHANNEL, 1)), number) for number in range(self.height)]
        for number in range(self.places):
            across = at(COLUMN, column.begin + number * column.step, column.step)
            spot = Spot((*sides, groups * channels), (at(ROW, row.begin, row.step), across), own)
            tile = Tile(self.group, self.axes, self.names, spot, f"m{number}_")
            body += tile.statements(totals[number * self.height : (number + 1) * self.height])
        return body

    def rows(self, row: Run, column: Run) -> Sums:
        """Sums over the offsets on both axes."""
        length = len(column.taps) * self.form.read[-1]
        written_out = len(row.taps) * length <= UNROLLED

        def columns(row: Met, before: Sequence[str] | None) -> Sums:
            if self.form.in_rows:
                return self.along(row, column, before, length if written_out else 4)
            inner = partial(self.channels, row)
            return over(column, COLUMN, "q", written_out, inner, before, self.fresh)

        return over(row, ROW, "p", written_out, columns, None, self.fresh)

    def along(self, met: Met, column: Run, before: Sequence[str] | None, unroll: int) -> Sums:
        """Over what is met of a row, channel by channel."""
        channels, first = self.form.read[-1], column.taps[0]
        height, width = self.form.read[:2]
        out, kernel = self.form.shapes["w"][1], self.form.shapes["w"][2:4]
        x = self.names.buffer(self.given, (height, width * channels))
        w = self.names.buffer(self.weights, (out, kernel[0], kernel[1] * channels))
        weight = at(SUMMED, first.offset * channels)
        firsts = [first.first + number * column.stride for number in range(self.places)]
        along = [Affine(((COLUMN, column.stride * channels), (SUMMED, 1)), n * channels) for n in firsts]
        taken = [
            Load(next(self._fresh), x, self.axes.index(self.given, met.source, where)) for where in along
        ]
        own = [
            Load(next(self._fresh), w, self.axes.index(self.weights, at(CHANNEL, r), met.offset, weight))
            for r in range(self.height)
        ]
        return self.fold(taken, own, len(column.taps) * channels, before, unroll)

    def channels(self, row: Met, column: Met, before: Sequence[str] | None) -> Sums:
        """Over the channels at one offset."""
        x = self.names.buffer(self.given, self.form.read)
        w = self.names.buffer(self.weights, self.form.shapes["w"])
        stride, source = self.runs[1].stride, affine(column.source)
        across = [Affine(source.terms, source.offset + n * stride) for n in range(self.places)]
        taken = [
            Load(next(self._fresh), x, self.axes.index(self.given, row.source, where, GROUP, SUMMED))
            for where in across
        ]
        own = [Load(next(self._fresh), w, self.weight(row, column, r)) for r in range(self.height)]
        return self.fold(taken, own, self.form.read[-1], before, 4)

    def weight(self, row: Met, column: Met, number: int) -> Index:
        out, channel = (at(CHANNEL, number), SUMMED)
        if self.form.step.slot == "x":
            out, channel = channel, out
        return self.axes.index(self.weights, GROUP, out, row.offset, column.offset, channel)

    def fold(
        self,
        taken: Sequence[Load],
        own: Sequence[Load],
        length: int,
        before: Sequence[str] | None,
        unroll: int,
    ) -> Sums:
        names = self.fresh()
        firsts: Sequence[str | None] = before or [None] * len(names)
        sums = list(zip(names, firsts, strict=True))
        accumulators = tuple(
            Accumulator(name, (weight.name, x.name), first=first)
            for number, weight in enumerate(own)
            for x, (name, first) in zip(taken, sums[number :: self.height], strict=True)
        )
        unroll = max(n for n in range(1, unroll + 1) if length % n == 0)
        return (Fold(SUMMED, length, (*taken, *own), accumulators, unroll=unroll),), names

    def zeros(self) -> Sums:
        """Where nothing is met."""
        names = self.fresh()
        return (Compute(tuple(names), (const(0.0),) * len(names), ()),), names

    def fresh(self) -> list[str]:
        return [next(self._fresh) for _ in range(self.height * self.places)]
