"""The calls that a program consists of: a kernel on the memory that it works on, and runs of equal calls."""

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
