"""Times that can be compared: what is compared runs in turns, and each ratio is one of the same turn.

The time is the processor's, which other programs on the machine disturb least; every run has one thread.
"""

import gc
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import process_time

Times = Mapping[str, list[float]]  # seconds of each turn
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: `value` with its unit, and the ratio to what it is held against, with the bar."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    bar: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the ratio is within the bar; None where there is none."""
        return None if self.bar is None or self.ratio is None else self.ratio <= self.bar


def interleaved(runs: Mapping[str, Callable[[], object]], turns: int, clock: Clock = process_time) -> Times:
    """The seconds of each run in every turn, after one turn that does not count."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(-1, turns):
        for name, run in runs.items():
            gc.collect()
            begin = clock()
            run()
            if turn >= 0:
                times[name].append(clock() - begin)
    return times


def ratio(times: Times, name: str, against: str) -> float:
    """The median of the turns' ratios."""
    return statistics.median(a / b for a, b in zip(times[name], times[against], strict=True))


def median(times: Times, name: str) -> float:
    return statistics.median(times[name])
