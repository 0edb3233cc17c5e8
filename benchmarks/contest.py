"""Contenders at one workload, in turns: the time of each, and its ratios to the others of the same turn."""

import gc
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import process_time

from benchmarks.measure import Clock

Runner = Callable[[int], object]
TARGET = 0.03  # seconds of a turn, unless the whole workload takes less


@dataclass(frozen=True, slots=True)
class Contender:
    """`run(n)` does n units of the work, always from the same beginning, and a unit is `steps` steps.

    `most` units are the whole workload. `units` is stated where each number of them is compiled anew. Where
    what is to be run is `prepared`, `run(n)` gives it, and only it is timed. A `marginal` time is that of n
    units more: what a training does once, before and after its steps, is left out.
    """

    run: Runner
    most: int
    steps: int = 1
    units: int | None = None
    prepared: bool = False
    marginal: bool = False

    def chosen(self) -> int:
        """The units of a turn, after a first run that warms up."""
        if self.units is not None:
            self.timed(self.units)
            return self.units
        self.timed(1)
        units = 1
        while (seconds := self.timed(units)) < TARGET and units < self.most:
            factor = min(10.0, max(2.0, TARGET / max(seconds, 1e-9)))
            units = min(self.most, int(units * factor))
        return units

    def timed(self, units: int, clock: Clock = process_time) -> float:
        """The seconds of so many units."""
        made = self.run(units) if self.prepared else None
        begin = clock()
        if callable(made):
            made()
        else:
            self.run(units)
        return clock() - begin

    def measured(self, units: int, clock: Clock = process_time) -> tuple[float, float]:
        """The seconds that n units are counted from, 0 but for a marginal time, and those of a run that ends
        n units later."""
        before = self.timed(units, clock) if self.marginal else 0.0
        return before, self.timed(2 * units if self.marginal else units, clock)


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit of deltaplan's ratio to a contender; up to `tie` it counts as drawn."""

    against: str
    limit: float
    tie: float | None = None

    def verdict(self, ratio: float) -> str:
        if ratio <= self.limit:
            return "met"
        return "tie" if self.tie is not None and ratio <= self.tie else "missed"


@dataclass(frozen=True, slots=True)
class Result:
    """What every turn took, before its steps and to their end, and how many steps that were."""

    name: str
    steps: int
    turns: list[tuple[float, float]]

    @property
    def seconds(self) -> list[float]:
        """A step's in every turn."""
        return [(end - begin) / self.steps for begin, end in self.turns]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        """A step's, from the quickest of each."""
        begins, ends = zip(*self.turns, strict=True)
        return float(min(ends) - min(begins)) / self.steps

    def ratio(self, other: "Result") -> float:
        """The median of the turns' ratios."""
        return statistics.median(a / b for a, b in zip(self.seconds, other.seconds, strict=True))


def repeating(*calls: Callable[..., object]) -> Runner:
    """n times these calls."""

    def run(times: int) -> None:
        for _ in range(times):
            for call in calls:
                call()

    return run


def contest(
    contenders: Mapping[str, Contender], turns: int, clock: Clock = process_time
) -> Mapping[str, Result]:
    """Every contender once in every turn."""
    units = {name: contender.chosen() for name, contender in contenders.items()}
    results = {name: Result(name, units[name] * c.steps, []) for name, c in contenders.items()}
    gc.collect()
    gc.freeze()  # what the libraries made is not looked through again and again
    for _ in range(turns):
        gc.collect()
        for name, contender in contenders.items():
            results[name].turns.append(contender.measured(units[name], clock))
    gc.unfreeze()
    return results
