"""Reductions over features and samples together."""

from collections.abc import Sequence
from itertools import groupby
from math import prod

from deltaplan.compiler.loops.nest import Accumulator, Buffer, Fold, For, Load, Place, Statement, Store, at
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.elementwise import axis, row_blocks
from deltaplan.compiler.loops.schedule.results import kept
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Reduce, Shape
from deltaplan.records import dataclass

Body = tuple[Statement, ...]
ROW = "n"
TOGETHER = 8  # rows that are reduced at once


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring axes that all go or all stay, as one."""

    gone: bool
    length: int


def runs_of(shape: Shape, axes: Sequence[int]) -> list[Run]:
    kept = [(number in axes, length) for number, length in enumerate(shape) if length > 1]
    found = groupby(kept, lambda each: each[0])
    return [Run(gone, prod(length for _, length in members)) for gone, members in found]


def statements(step: Reduce, axes: Axes, names: Names) -> Body:
    return Reduction(step, axes, names).statements()


class Reduction:
    """The loops of one step over runs of axes, whose last one stays: its rows are reduced in blocks. An axis
    that goes and stands right before the samples is one with them."""

    def __init__(self, step: Reduce, axes: Axes, names: Names) -> None:
        self.step, self.axes, self.names = step, axes, names
        runs, self.width = runs_of(step.inputs[0].shape, step.axes), axes.batch
        if runs and runs[-1].gone and not axes.nets:
            self.width *= runs.pop().length
        if not runs or runs[-1].gone:
            runs.append(Run(False, 1))
        *self.outer, last = runs
        self.rows = last.length
        self.x = names.root(step.inputs[0])
        behind = (self.width, axes.nets) if axes.own(self.x) else (self.width,)
        name = names.buffer(step.inputs[0]).name
        self.source = Buffer(name, (*(run.length for run in runs), *behind))
        self.inner = [n for n, run in enumerate(self.outer) if run.gone]

    def statements(self) -> Body:
        body: Body = ()
        for begin, end, height in row_blocks(self.rows, TOGETHER):
            body += (For(ROW, end, self.block(height), step=height, begin=begin),)
        for n in reversed(range(len(self.outer))):
            if not self.outer[n].gone:
                body = (For(axis(n), self.outer[n].length, body),)
        return self.axes.each_net(body)

    def block(self, height: int) -> Body:
        """The results of so many rows."""
        if self.axes.nets:
            sums, totals = self.over([*self.inner, None], height, [f"x{r}" for r in range(height)])
            return (*sums, *self.stores(totals))
        if not self.inner:
            return self.across(self.loads(height), height)
        scratch = Buffer("scratch", (TOGETHER, self.width))
        sums, totals = self.over(self.inner, height, [f"x{r}" for r in range(height)])
        stores = tuple(Store(scratch, (r, SAMPLE), total) for r, total in enumerate(totals))
        loads = tuple(Load(f"x{r}", scratch, (r, SAMPLE)) for r in range(height))
        return (For(SAMPLE, self.width, (*sums, *stores), "lanes"), *self.across(loads, height))

    def over(self, loops: Sequence[int | None], height: int, taken: list[str]) -> tuple[Body, list[str]]:
        """Folds over axes, and over the samples for None."""
        body: Body = self.loads(height)
        for depth, n in enumerate(reversed(loops)):
            names = [f"s{depth}_{r}" for r in range(height)]
            accumulators = self.accumulators(names, taken)
            variable, length = (SAMPLE, self.axes.batch) if n is None else (axis(n), self.outer[n].length)
            body, taken = (Fold(variable, length, body, accumulators),), names
        return body, taken

    def across(self, loads: Body, height: int) -> Body:
        """Over the samples, which are lanes."""
        names = [f"s{r}" for r in range(height)]
        accumulators = self.accumulators(names, [f"x{r}" for r in range(height)])
        fold = Fold(SAMPLE, self.width, loads, accumulators, "lanes")
        return (fold, *self.stores(names))

    def accumulators(self, names: Sequence[str], taken: Sequence[str]) -> tuple[Accumulator, ...]:
        return tuple(Accumulator(n, (t,), self.step.kind) for n, t in zip(names, taken, strict=True))

    def loads(self, height: int) -> Body:
        outer = [axis(n) for n in range(len(self.outer))]
        return tuple(
            Load(f"x{r}", self.source, self.axes.index(self.x, *outer, at(ROW, r))) for r in range(height)
        )

    def stores(self, totals: Sequence[str]) -> Body:
        out = self.step.output
        stay = [(n, run.length) for n, run in enumerate(self.outer) if not run.gone]
        buffer = self.names.buffer(out, (*(length for _, length in stay), self.rows))
        places: tuple[Place, ...] = tuple(axis(n) for n, _ in stay)
        stores = (
            Store(buffer, self.axes.index(out, *places, at(ROW, r)), total) for r, total in enumerate(totals)
        )
        return kept(self.axes, stores, self.step.kind)
