"""Runs of equal things: `44 times` instead of 44 lines."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from deltaplan.records import dataclass

T = TypeVar("T")
LONGEST = 24  # things in a block that repeats


@dataclass(frozen=True, slots=True)
class Run:
    """`times` blocks of `period` things, one after the other, from `begin` on."""

    begin: int
    period: int
    times: int

    @property
    def end(self) -> int:
        return self.begin + self.period * self.times


def runs(things: Sequence[T], follows: Callable[[int, int, int], bool], least: int = 3) -> Iterator[Run]:
    """Cuts a sequence into runs; what does not repeat `least` times is a run of one.

    `follows(begin, period, times)` tells whether the block after `times` blocks of the run is like them.
    """
    begin = 0
    while begin < len(things):
        found = _longest(len(things), begin, follows)
        run = found if found.times >= least else Run(begin, 1, 1)
        yield run
        begin = run.end


def _longest(length: int, begin: int, follows: Callable[[int, int, int], bool]) -> Run:
    """The run that covers most, of these the one with the shortest block."""
    best = Run(begin, 1, 1)
    for period in range(1, min(LONGEST, (length - begin) // 2) + 1):
        times = 1
        while begin + period * (times + 1) <= length and follows(begin, period, times):
            times += 1
        if times > 1 and period * times > best.period * best.times:
            best = Run(begin, period, times)
    return best
