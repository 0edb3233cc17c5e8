"""Programs of plans with many equal layers, whose calls are never written out one by one.

A plan with many equal layers has the program of one with a few of them, but for the numbers of turns and the
places in memory, and these grow evenly with the layers. So three short plans are scheduled, each with two
layers more than the one before; where the third is what the first two foretell, the long one is too. What
does not grow evenly is scheduled step by step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cache, partial

from deltaplan.compiler.loops.calls import Call, Rolled, Run, Spot
from deltaplan.compiler.loops.places import external_of
from deltaplan.compiler.loops.program import Made, Program, program
from deltaplan.compiler.loops.runs import runs
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.plans import Plan, Repeats
from deltaplan.compiler.repeats import REACH
from deltaplan.compiler.steps import Step, Tensor
from deltaplan.records import dataclass

KEPT = REACH + 1  # equal layers at either end that every short plan has
EACH = 2  # layers that are added: memory of two layers in turn serves a chain


@dataclass(frozen=True, slots=True)
class Work:
    """A plan to be scheduled, with `more` steps behind it whose tensors lie at `places`. `kept` are read
    afterwards; see `external_of` for `scale`."""

    plan: Plan
    kept: Sequence[Tensor]
    scale: int = 0
    more: Sequence[Step] = ()
    places: Mapping[Tensor, Spot] = field(default_factory=dict)

    def whole(self, axes: Axes, made: Made) -> Program:
        external = {**external_of(self.plan, self.scale), **self.places}
        return program((*self.plan.steps, *self.more), external, self.kept, axes, made)


def scheduled(work: Work, axes: Axes, made: Made) -> Program:
    """The program of a plan: from its equal layers where it has them, else step by step."""
    return _rolled(work, axes, made) or work.whole(axes, made)


def _rolled(work: Work, axes: Axes, made: Made) -> Program | None:
    """None where the plan has no equal layers, or does not grow evenly with them."""
    repeats = work.plan.repeats
    if repeats is None:
        return None
    head = KEPT + (repeats.end - repeats.begin) % EACH
    shorts = [Short(work, repeats, head + EACH * added) for added in range(3)]
    if not shorts[0].grows:
        return None
    names = set[str]().union(*(short.used for short in shorts))
    external = external_of(work.plan, work.scale, names=names)
    found = [short.program(external, axes, made) for short in shorts]
    try:
        return Growth(found, shorts[0].gone // EACH, partial(work.whole, axes, made)).program()
    except UnevenError:
        return None


@dataclass(frozen=True, slots=True)
class Gap:
    """`count` blocks of `size` numbers of a space, `step` from each other, the first of them at `least`."""

    space: str
    least: int
    step: int
    size: int
    count: int

    def before(self, offset: int) -> int:
        """How many of these numbers lie before a place."""
        blocks = -(-(offset - self.least) // self.step)
        return self.size * min(max(blocks, 0), self.count)


class Short:
    """A plan without its equal layers from `cut` on, `gone` of them."""

    def __init__(self, work: Work, repeats: Repeats, head: int) -> None:
        self.work, self.repeats = work, repeats
        self.cut = repeats.begin + head
        self.gone = repeats.end - KEPT - self.cut
        self.steps = [*self._steps()]
        self.used = {t.name for step in self.steps for t in step.inputs + step.outputs}
        own = {t.name for step in work.more for t in step.outputs}
        self.kept = [t for t in work.kept if t.name in self.used or t.name in own]

    @property
    def grows(self) -> bool:
        """Whether of each layer the same is kept, and nothing but the plan reads it."""
        names = {t.name for t in self.kept}
        each = sum(t.name in names for t in self.work.plan.of_layer(self.cut - 1))
        if len(self.work.kept) - len(self.kept) != each * self.gone:
            return False
        return not self.work.more or self._own.isdisjoint(t.name for s in self.work.more for t in s.inputs)

    @property
    def _own(self) -> set[str]:
        """What belongs to a layer."""
        layers = range(self.repeats.begin, self.repeats.end)
        return {t.name for layer in layers for t in self.work.plan.of_layer(layer)}

    def program(self, external: Mapping[Tensor, Spot], axes: Axes, made: Made) -> Program:
        """Its program, with θ as short as it would be; `external` tells where things lie as long as it is."""
        own = {t: spot for t, spot in external.items() if t.name in self.used}
        gaps = self._gaps({t.name: spot for t, spot in own.items()})
        places = {t: _moved(spot, gaps) for t, spot in own.items()}
        steps = (*self.steps, *self.work.more)
        return program(steps, {**places, **self.work.places}, self.kept, axes, made)

    def _steps(self) -> Iterator[Step]:
        """The steps that stay; what they read of layers that go is read of layers that stay."""
        steps, instead, position = self.work.plan.steps, self._instead(), 0
        for begin, end in self.repeats.spans(self.cut, self.cut + self.gone - 1):
            yield from (_reading(step, instead) for step in steps[position:begin])
            position = end
        yield from (_reading(step, instead) for step in steps[position:])

    def _instead(self) -> dict[str, Tensor]:
        """For what the layers beside the gap read from it, what lies on its other side."""
        first, last = self.cut, self.cut + self.gone - 1
        pairs = [(first + i, last + 1 + i) for i in range(REACH)]
        pairs += [(last - i, first - 1 - i) for i in range(REACH)]
        of_layer = self.work.plan.of_layer
        return {
            a.name: b for gone, stays in pairs for a, b in zip(of_layer(gone), of_layer(stays), strict=True)
        }

    def _gaps(self, lies: Mapping[str, Spot]) -> list[Gap]:
        """What θ, gradient and direction lose."""
        of_layer, found = self.work.plan.of_layer, []
        for a, b in zip(of_layer(self.cut - 2), of_layer(self.cut - 1), strict=True):
            if a.name in lies:
                space, near = lies[b.name].space, lies[b.name].offset
                step = near - lies[a.name].offset
                least = near + step * (1 if step > 0 else self.gone)
                found.append(Gap(space, least, abs(step), b.size, self.gone))
        return [*dict.fromkeys(found)]  # a running statistic has one place before and after a step


def _moved(spot: Spot, gaps: Sequence[Gap]) -> Spot:
    """Where a tensor lies once the blocks of the gaps are not there."""
    before = sum(gap.before(spot.offset) for gap in gaps if gap.space == spot.space)
    return Spot(spot.space, spot.offset - before) if before else spot


def _reading(step: Step, instead: Mapping[str, Tensor]) -> Step:
    """A step that reads something else."""
    if not any(t.name in instead for t in step.inputs):
        return step
    return replace(step, inputs=tuple(instead.get(t.name, t) for t in step.inputs))


class UnevenError(Exception):
    """Programs that do not grow evenly."""


class Growth:
    """Programs of plans, each a step longer than the one before, and what they foretell of the one that is
    `steps` longer than the first; `whole` schedules it, for those who look at it call by call."""

    def __init__(self, programs: Sequence[Program], steps: int, whole: Callable[[], Program]) -> None:
        self.programs, self.steps, self.whole = programs, steps, cache(whole)

    def program(self) -> Program:
        first, grown = self.programs[0], self._runs()
        return replace(
            first,
            calls=Rolled(grown, lambda: self.whole().calls),
            spots=Spots(self),
            arena=self.number(*(p.arena for p in self.programs)),
            scratch=self.number(*(p.scratch for p in self.programs)),
        )

    def number(self, one: int, two: int, three: int) -> int:
        """A number of the long program."""
        if three - two != two - one:
            raise UnevenError
        return one + (two - one) * self.steps

    def spot(self, spots: Sequence[Spot]) -> Spot:
        """A place in it."""
        if len({spot.space for spot in spots}) > 1:
            raise UnevenError
        return Spot(spots[0].space, self.number(*(spot.offset for spot in spots)))

    def _runs(self) -> list[Run]:
        found = [runs(p.calls) for p in self.programs]
        if len({len(each) for each in found}) > 1:
            raise UnevenError
        return [self._run(alike) for alike in zip(*found, strict=True)]

    def _run(self, alike: Sequence[Run]) -> Run:
        kernels = {tuple(call.kernel.name for call in run.calls) for run in alike}
        if len(kernels) > 1 or len({run.steps for run in alike}) > 1:
            raise UnevenError
        calls = [self._call(found) for found in zip(*(run.calls for run in alike), strict=True)]
        return Run(tuple(calls), self.number(*(run.times for run in alike)), alike[0].steps)

    def _call(self, alike: Sequence[Call]) -> Call:
        spots = [self.spot(found) for found in zip(*(call.spots for call in alike), strict=True)]
        return replace(alike[0], spots=tuple(spots))


class Spots(Mapping[str, Spot]):
    """Where the tensors of a long program lie."""

    def __init__(self, growth: Growth) -> None:
        self._growth = growth

    def __getitem__(self, name: str) -> Spot:
        known = [p.spots[name] for p in self._growth.programs if name in p.spots]
        if len(known) == len(self._growth.programs):
            return self._growth.spot(known)
        return self._growth.whole().spots[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._growth.whole().spots)

    def __len__(self) -> int:
        return len(self._growth.whole().spots)
