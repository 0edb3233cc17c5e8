"""Windows over maps [*sides, channels], which take each channel by itself."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, groupby, product
from math import inf
from typing import Protocol

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Affine, Compute, For, Load, Number, Place, Statement, affine, at
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.places import Run, Runs, runs_of_numbers, runs_of_places
from deltaplan.compiler.loops.schedule.rest import Rest
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.taps import Met, Sums, over
from deltaplan.compiler.loops.schedule.tiles import is_cheap, plane
from deltaplan.compiler.steps import ArgMax, Map, Pool, Put, Step, Tensor, Unpool
from deltaplan.compiler.windows import Window
from deltaplan.plugins.expressions import argument, const, equal, maximum, where
from deltaplan.records import dataclass

Body = tuple[Statement, ...]
Where = tuple[Place, Place]  # a row and a column
ROW, COLUMN = "i", "j"
WRITTEN_OUT = 9  # offsets
X0, X1, X2, X3 = (argument(f"x{i}") for i in range(4))


def may_follow(first: Step, step: Step) -> bool:
    """Whether a map works on nothing but maps [*sides, channels] of what a window gives, number by number."""
    (given,) = first.outputs
    alike = all((t.shape, t.batched) == (given.shape, given.batched) for t in (*step.inputs, *step.outputs))
    return isinstance(step, Map) and alike and is_cheap(step)


def statements(group: Group, axes: Axes, names: Names) -> Body:
    """A sum or maximum over windows, or its way back, and the maps that follow it."""
    first = group.steps[0]
    tensors = [t for step in group.steps for t in (*step.inputs, *step.outputs)]
    (given,) = first.inputs
    rest = Rest(axes, names, tensors, given.shape[-1])
    if isinstance(first, Unpool):  # the sum over the places that see a number
        windows = Maps(first.window, first.output, given, rest, group)
        return windows.nest(runs_of_numbers(*windows.geometry), Sum(given))
    assert isinstance(first, Pool), "a window stands first"
    windows = Maps(first.window, given, first.output, rest, group)
    return windows.nest(runs_of_places(*windows.geometry), (Sum if first.kind == "sum" else Largest)(given))


def put(step: Put, window: Window, axes: Axes, names: Names) -> Body:
    """The sum over the places that see a number and have chosen it."""
    value, index = step.inputs
    rest = Rest(axes, names, (value, index, step.output), value.shape[-1])
    maps = Maps(window, step.output, value, rest, Group("samples", [step]))
    return maps.nest(runs_of_numbers(*maps.geometry), Chosen(value, index))


def argmax(step: ArgMax, window: Window, axes: Axes, names: Names) -> Body:
    """Where the first of the largest numbers stands; the first that is not a number, if any is not."""
    (x,) = step.inputs
    rest = Rest(axes, names, (x, step.output), x.shape[-1])
    maps = Maps(window, x, step.output, rest, Group("samples", [step]))
    return maps.nest(runs_of_places(*maps.geometry), FirstLargest(x))


class Maps:
    """A window between two maps: `narrow` has its places, `wide` is what they see. The group begins with the
    step that goes from one to the other."""

    def __init__(self, window: Window, wide: Tensor, narrow: Tensor, rest: Rest, group: Group) -> None:
        self.window, self.wide, self.narrow, self.rest, self.group = window, wide, narrow, rest, group
        self._fresh = map("t{}".format, count())

    def sides(self, tensor: Tensor) -> tuple[int, int]:
        height, width, _ = plane(tensor.shape, self.window.axes)
        return height, width

    @property
    def geometry(self) -> tuple[Window, tuple[int, int], tuple[int, int]]:
        return self.window.plane(), self.sides(self.wide), self.sides(self.narrow)

    def fresh(self) -> str:
        return next(self._fresh)

    def root(self, tensor: Tensor) -> str:
        """The name of what lies in memory where a tensor is a view."""
        return self.rest.names.root(tensor).name

    def load(self, tensor: Tensor, where: Where) -> Load:
        return self.rest.load(self.fresh(), tensor, self.sides(tensor), where)

    def number(self, where: Where) -> Number:
        """A place in `wide`, counted row by row."""
        row, column = affine(where[0]), affine(where[1])
        width = self.sides(self.wide)[1]
        terms = (*((name, factor * width) for name, factor in row.terms), *column.terms)
        return Number(self.fresh(), Affine(terms, row.offset * width + column.offset))

    def nest(self, runs: tuple[Runs, ...], sums: "Combination") -> Body:
        """Loops over the runs of both axes; those that meet the same are walked through together."""
        body: Body = ()
        for rows, columns in product(_together(runs[0]), _together(runs[1])):
            inner = tuple(s for pair in product(rows, columns) for s in self.each(pair, sums))
            body += (For(ROW, rows[0].count, (For(COLUMN, columns[0].count, inner),)),)
        return body

    def each(self, runs: tuple[Run, Run], sums: "Combination") -> Body:
        row, column = runs
        own = at(ROW, row.begin, row.step), at(COLUMN, column.begin, column.step)
        body, before = sums.begin(self, runs)
        if row.taps and column.taps:
            more, before = self.through(runs, own, sums, before)
            body += more
        return self.rest.each((*body, *self.followed(before[0], own)))

    def followed(self, value: str, own: Where) -> Iterator[Statement]:
        """The maps of the group at a place, from the value of its first step there, and what is stored."""
        first, *maps = self.group.steps
        known = {self.root(first.outputs[0]): value}
        yield from self.stored(first, known, own)
        for step in maps:
            assert isinstance(step, Map)
            for tensor in step.inputs:
                if self.root(tensor) not in known:
                    taken = self.load(tensor, own)
                    known[self.root(tensor)] = taken.name
                    yield taken
            outputs = tuple(self.fresh() for _ in step.outputs)
            yield Compute(outputs, step.expressions, tuple(known[self.root(t)] for t in step.inputs))
            known |= {self.root(t): name for t, name in zip(step.outputs, outputs, strict=True)}
            yield from self.stored(step, known, own)

    def stored(self, step: Step, known: Mapping[str, str], own: Where) -> Iterator[Statement]:
        for tensor in step.outputs:
            if tensor.name not in self.group.inside:
                yield self.rest.store(known[self.root(tensor)], tensor, self.sides(tensor), own)

    def through(self, runs: tuple[Run, Run], own: Where, sums: "Combination", before: Sequence[str]) -> Sums:
        """All that is met, one after the other."""
        row, column = runs
        written_out = len(row.taps) * len(column.taps) <= WRITTEN_OUT

        def names() -> list[str]:
            return [self.fresh() for _ in before]

        def columns(met: Met, totals: Sequence[str] | None) -> Sums:
            def take(across: Met, totals: Sequence[str] | None) -> Sums:
                return sums.take(self, own, (met.source, across.source), totals or ())

            return over(column, COLUMN, "q", written_out, take, totals, names)

        return over(row, ROW, "p", written_out, columns, before, names)

    def constant(self, value: float) -> Sums:
        name = self.fresh()
        return (Compute((name,), (const(value),), ()),), [name]


class Combination(Protocol):
    """What is made of all that is met: locals before anything is, and after one more. The first is stored."""

    def begin(self, maps: Maps, runs: tuple[Run, Run]) -> Sums: ...

    def take(self, maps: Maps, own: Where, met: Where, before: Sequence[str]) -> Sums: ...


@dataclass(frozen=True, slots=True)
class Sum:
    source: Tensor

    def begin(self, maps: Maps, runs: tuple[Run, Run]) -> Sums:
        return maps.constant(0.0)

    def take(self, maps: Maps, own: Where, met: Where, before: Sequence[str]) -> Sums:
        taken, total = maps.load(self.source, met), maps.fresh()
        return (taken, Compute((total,), (X0 + X1,), (before[0], taken.name))), [total]


@dataclass(frozen=True, slots=True)
class Largest:
    source: Tensor

    def begin(self, maps: Maps, runs: tuple[Run, Run]) -> Sums:
        return maps.constant(-inf)

    def take(self, maps: Maps, own: Where, met: Where, before: Sequence[str]) -> Sums:
        taken, best = maps.load(self.source, met), maps.fresh()
        return (taken, Compute((best,), (maximum(X0, X1),), (before[0], taken.name))), [best]


@dataclass(frozen=True, slots=True)
class FirstLargest:
    """The place of the largest number so far, and the number."""

    source: Tensor

    def begin(self, maps: Maps, runs: tuple[Run, Run]) -> Sums:
        if not all(run.taps for run in runs):
            return maps.constant(0.0)
        row, column = (run.taps[0].first for run in runs)
        first = at(ROW, row, runs[0].stride), at(COLUMN, column, runs[1].stride)
        number, (body, least) = maps.number(first), maps.constant(-inf)
        return (number, *body), [number.name, *least]

    def take(self, maps: Maps, own: Where, met: Where, before: Sequence[str]) -> Sums:
        taken, number = maps.load(self.source, met), maps.number(met)
        found = [maps.fresh(), maps.fresh()]
        better = (X0 > X1) | (~equal(X0, X0) & equal(X1, X1))
        values = where(better, X2, X3), where(better, X0, X1)
        given = taken.name, before[1], number.name, before[0]
        return (taken, number, Compute(tuple(found), values, given)), found


@dataclass(frozen=True, slots=True)
class Chosen:
    """The values whose index is the place at hand."""

    value: Tensor
    index: Tensor

    def begin(self, maps: Maps, runs: tuple[Run, Run]) -> Sums:
        return maps.constant(0.0)

    def take(self, maps: Maps, own: Where, met: Where, before: Sequence[str]) -> Sums:
        value, index, number = maps.load(self.value, met), maps.load(self.index, met), maps.number(own)
        total = maps.fresh()
        chosen = X0 + where(equal(X1, X2), X3, 0)
        given = before[0], index.name, number.name, value.name
        return (value, index, number, Compute((total,), (chosen,), given)), [total]


def _together(runs: Runs) -> Iterator[tuple[Run, ...]]:
    """Runs of equal length that meet the same, side by side."""
    met = [(run.count, tuple(tap.first for tap in run.taps)) for run in runs]
    for _, members in groupby(range(len(runs)), met.__getitem__):
        yield tuple(runs[i] for i in members)
