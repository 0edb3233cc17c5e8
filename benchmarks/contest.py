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

    `most` units are the whole workload. `units` is stated where each number of them is compiled anew. A
    `marginal` time is that of n units more: what a training does before and after its steps is left out.
    """

    run: Runner
    most: int
    steps: int = 1
    units: int | None = None
    marginal: bool = False

    def chosen(self) -> int:
        """The units of a turn, after a first run that warms up."""
        if self.units is not None:
            self.run(self.units)
            return self.units
        self.run(1)
        units, seconds = 1, timed(self.run, 1)
        while seconds < TARGET and units < self.most:
            factor = min(10.0, max(2.0, TARGET / max(seconds, 1e-9)))
            units = min(self.most, int(units * factor))
            seconds = timed(self.run, units)
        return units


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
    """Seconds of a step in every turn."""

    name: str
    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)

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


def timed(run: Runner, units: int, clock: Clock = process_time) -> float:
    begin = clock()
    run(units)
    return clock() - begin


def contest(
    contenders: Mapping[str, Contender], turns: int, clock: Clock = process_time
) -> Mapping[str, Result]:
    """Every contender once in every turn."""
    units = {name: contender.chosen() for name, contender in contenders.items()}
    results = {name: Result(name, []) for name in contenders}
    gc.collect()
    gc.freeze()  # what the libraries made is not looked through again and again
    for _ in range(turns):
        gc.collect()
        for name, contender in contenders.items():
            results[name].seconds.append(seconds_per_step(contender, units[name], clock))
    gc.unfreeze()
    return results


def seconds_per_step(contender: Contender, units: int, clock: Clock) -> float:
    seconds = timed(contender.run, units, clock)
    if contender.marginal:
        seconds = timed(contender.run, 2 * units, clock) - seconds
    return seconds / (units * contender.steps)
