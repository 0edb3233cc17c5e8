"""The calls that a program consists of: a kernel on the memory that it works on, and runs of equal calls."""

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from deltaplan.compiler.loops.nest import Kernel
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a tensor lies: so many numbers from the start of a space: `θ`, `g`, `arena`, an input's name."""

    space: str
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """A kernel on the memory that it works on, in the order of its parameters. `tensors` are the names of
    what lies there during this call."""

    kernel: Kernel
    spots: tuple[Spot, ...]
    tensors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """`times` turns over calls whose offsets grow by `steps` (for each call, one number a parameter)."""

    calls: tuple[Call, ...]
    times: int
    steps: tuple[tuple[int, ...], ...]


class Rolled(Sequence[Call]):
    """The calls of runs, in order; all of them, with what their tensors are called, come from `whole`, which
    is asked when somebody looks at them."""

    def __init__(self, runs: Sequence[Run], whole: Callable[[], Sequence[Call]]) -> None:
        self.runs, self._whole = tuple(runs), whole

    @property
    def firsts(self) -> Iterator[Call]:
        """The calls of each run's first turn."""
        return (call for run in self.runs for call in run.calls)

    def __len__(self) -> int:
        return sum(run.times * len(run.calls) for run in self.runs)

    @overload
    def __getitem__(self, index: int) -> Call: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Call]: ...

    def __getitem__(self, index: int | slice) -> Call | Sequence[Call]:
        return self._whole()[index]


def firsts(calls: Sequence[Call]) -> Iterator[Call]:
    """Calls among which there is one of each kernel and of each space that they work on."""
    return calls.firsts if isinstance(calls, Rolled) else iter(calls)
