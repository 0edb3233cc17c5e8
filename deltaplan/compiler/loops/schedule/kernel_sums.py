"""What a convolution's kernel gets: sums over samples and places, a block of its numbers in registers.

Samples are the lanes, so each number is first a vector of sums over the places. They are put side by side in
scratch memory, and their lanes are added in a second pass.
"""

from collections.abc import Iterator, Sequence
from itertools import count, product
from math import prod

from deltaplan.compiler.loops.nest import (
    Accumulator,
    Affine,
    Buffer,
    Compute,
    Fold,
    For,
    Load,
    Place,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.convolve import plane_of
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.places import Run, runs_through
from deltaplan.compiler.loops.schedule.results import kept
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Conv, Shape, slots_of
from deltaplan.plugins.expressions import const
from deltaplan.records import dataclass

Body = tuple[Statement, ...]
Totals = dict[tuple[int, int, int], str]  # the sum of each number of a block: output, offset, channel
GROUP, OUT, CHANNEL, ROW, COLUMN, NUMBER = "g", "o", "c", "i", "j", "n"
ADDED = 8  # numbers whose lanes are added at once


@dataclass(frozen=True, slots=True)
class Block:
    """The numbers of the kernel that are summed at once: so many outputs, channels, and offsets in its row
    `row`, from `first` on."""

    row: int
    first: int
    offsets: int
    outputs: int
    channels: int

    @property
    def numbers(self) -> Iterator[tuple[int, int, int]]:
        return product(
            range(self.outputs), range(self.first, self.first + self.offsets), range(self.channels)
        )


def statements(step: Conv, axes: Axes, names: Names) -> Body:
    """A convolution by its slot `w`."""
    return axes.each_net(KernelSums(step, axes, names).statements())


def sizes(kernel: Shape, most: int) -> tuple[int, int, int]:
    """Offsets in a row, channels and outputs at once for a kernel [groups, out, height, width, channels]."""
    _, out, _, width, channels = kernel
    offsets = width if width <= 5 else -(-width // -(-width // 4))
    taken = min(channels, max(1, (most // 4 if out >= 4 else most // out) // offsets))
    return offsets, taken, min(out, max(1, most // (offsets * taken)))


class KernelSums:
    """The loops of one step."""

    def __init__(self, step: Conv, axes: Axes, names: Names) -> None:
        self.step, self.axes, self.names = step, axes, names
        found = slots_of(step)
        self.x, self.y, self.w = names.root(found["x"]), names.root(found["y"]), found["w"]
        self.shape, self.places, self.kernel = (plane_of(step, s, found[s]) for s in ("x", "y", "w"))
        self.batched = found["y"].batched
        self.in_lanes = self.batched and not axes.nets and not axes.by_features
        self.window = step.window.plane()
        self._fresh = map("t{}".format, count())

    def statements(self) -> Body:
        groups, out, height, width, channels = self.kernel
        offsets, taken, outputs = sizes(self.kernel, self.axes.machine.tile)
        body: Body = ()
        for begin, end, together in row_blocks(out, outputs):
            sums: Body = ()
            for row, (first, _, at_once) in product(range(height), _each(width, offsets)):
                for start, stop, some in row_blocks(channels, taken):
                    block = Block(row, first, at_once, together, some)
                    sums += (For(CHANNEL, stop, self.block(block), step=some, begin=start),)
            sums += self.added(together) if self.in_lanes else ()
            body += (For(OUT, end, sums, step=together, begin=begin),)
        return (For(GROUP, groups, body),)

    def block(self, block: Block) -> Body:
        """The sums of a block over all places, kept in scratch memory if they are vectors."""
        if not self.batched:
            body, totals = self.over_places(block, {})
        elif not self.in_lanes:
            names: Totals = {number: next(self._fresh) for number in block.numbers}
            body, totals = self.over_places(block, names)
            body, totals = (Fold(SAMPLE, self.axes.batch, body, _carried(names, totals)),), names
        else:
            body, totals = self.over_places(block, {})
        stores = [self.store(block, number, name) for number, name in totals.items()]
        if self.in_lanes:
            return self.axes.each_sample((*body, *stores))
        return (*body, *kept(self.axes, stores))

    def over_places(self, block: Block, before: Totals) -> tuple[Body, Totals]:
        """A fold over the rows of places around those over their columns."""
        offsets = range(block.first, block.first + block.offsets)
        rows = [r for r in self.runs(0, (block.row,)) if r.taps]
        columns = [c for c in self.runs(1, offsets) if c.taps]
        body: Body = ()
        totals = before
        for row in rows if columns else ():
            names: Totals = {number: next(self._fresh) for number in block.numbers}
            inner, sums = self.over_columns(block, row, columns, names)
            body += (Fold(ROW, row.count, inner, _carried(names, sums, totals)),)
            totals = names
        missing = [number for number in block.numbers if number not in totals]
        zeros = {number: next(self._fresh) for number in missing}
        if zeros:
            body += (Compute(tuple(zeros.values()), (const(0.0),) * len(zeros), ()),)
        return body, {**totals, **zeros}

    def over_columns(
        self, block: Block, row: Run, columns: Sequence[Run], before: Totals
    ) -> tuple[Body, Totals]:
        """The sums over one row of places, run by run."""
        body: Body = ()
        totals = dict(before)
        for run in columns:
            loads, ys, xs = self.loads(block, row, run)
            taken = [number for number in block.numbers if number[1:] in xs]
            sums = {number: next(self._fresh) for number in taken}
            accumulators = tuple(Accumulator(sums[n], (ys[n[0]], xs[n[1:]]), first=totals[n]) for n in taken)
            body += (Fold(COLUMN, run.count, loads, accumulators),)
            totals |= sums
        return body, totals

    def loads(
        self, block: Block, row: Run, run: Run
    ) -> tuple[Body, dict[int, str], dict[tuple[int, int], str]]:
        """What stands at a place: the outputs of y, and the channels of x at each offset."""
        y, x = self.names.buffer(self.y, self.places), self.names.buffer(self.x, self.shape)
        place = at(ROW, row.begin, row.step), at(COLUMN, run.begin, run.step)
        met = at(ROW, row.taps[0].first, row.stride)
        ys = {r: next(self._fresh) for r in range(block.outputs)}
        xs = {(tap.offset, c): next(self._fresh) for tap in run.taps for c in range(block.channels)}
        body: list[Statement] = [
            Load(name, y, self.axes.index(self.y, *place, GROUP, at(OUT, r))) for r, name in ys.items()
        ]
        for tap in run.taps:
            where = at(COLUMN, tap.first, run.stride)
            for c in range(block.channels):
                index = self.axes.index(self.x, met, where, GROUP, at(CHANNEL, c))
                body.append(Load(xs[tap.offset, c], x, index))
        return tuple(body), ys, xs

    def runs(self, axis: int, offsets: Sequence[int]) -> Sequence[Run]:
        return runs_through(self.window, axis, offsets, self.shape[axis], self.places[axis])

    def store(self, block: Block, number: tuple[int, int, int], name: str) -> Store:
        out, offset, channel = number
        place: tuple[Place, ...] = (block.row, offset, at(CHANNEL, channel))
        if self.in_lanes:
            _, _, height, width, channels = self.kernel
            first = ((out * height + block.row) * width + offset) * channels + channel
            return Store(self.scratch, (at(CHANNEL, first), SAMPLE), name)
        w = self.names.buffer(self.w, self.kernel)
        return Store(w, self.axes.index(self.w, GROUP, at(OUT, out), *place), name)

    @property
    def scratch(self) -> Buffer:
        """A vector over the samples for each number of a block of outputs."""
        *_, outputs = sizes(self.kernel, self.axes.machine.tile)
        return Buffer("scratch", (outputs * prod(self.kernel[2:]), self.axes.batch))

    def added(self, outputs: int) -> Body:
        """Adds the lanes of a block of outputs."""
        each = prod(self.kernel[2:])
        w = self.names.buffer(self.w)
        body: Body = ()
        for begin, end, together in row_blocks(outputs * each, ADDED):
            loads = tuple(Load(f"r{r}", self.scratch, (at(NUMBER, r), SAMPLE)) for r in range(together))
            totals = tuple(Accumulator(f"s{r}", (f"r{r}",)) for r in range(together))
            place = ((GROUP, self.kernel[1] * each), (OUT, each), (NUMBER, 1))
            stores = kept(
                self.axes,
                (Store(w, self.axes.index(self.w, Affine(place, r)), f"s{r}") for r in range(together)),
            )
            fold = Fold(SAMPLE, self.axes.batch, loads, totals, "lanes")
            body += (For(NUMBER, end, (fold, *stores), step=together, begin=begin),)
        return body


def _carried(names: Totals, totals: Totals, before: Totals | None = None) -> tuple[Accumulator, ...]:
    firsts = before or {}
    return tuple(
        Accumulator(name, (totals[number],), "carry", firsts.get(number)) for number, name in names.items()
    )


def _each(count_: int, size: int) -> list[tuple[int, int, int]]:
    """Blocks one by one: (begin, end, length)."""
    return [(b, min(b + size, count_), min(size, count_ - b)) for b in range(0, count_, size)]
