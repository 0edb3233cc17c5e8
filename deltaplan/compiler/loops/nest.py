"""Loop nests: what a kernel does, with every shape, bound and order of operations stated.

A kernel reads and writes buffers of real numbers through indices that are affine in its loops' variables.
Between loads and stores stand locals, each written once. A loop of kind `lanes` runs along the last axis of
what it reads and writes: its turns are the lanes of vectors, and what does not depend on its variable is the
same number in all lanes.
"""

from collections.abc import Iterator
from functools import cache
from typing import Literal

from deltaplan.plugins.expressions import Expr
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory that a kernel is called with: numbers of `shape`, the last axis without gaps."""

    name: str
    shape: tuple[int, ...]

    @property
    def strides(self) -> tuple[int, ...]:
        """Numbers from one element to the next along each axis."""
        return _strides(self.shape)


@cache
def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    found, stride = [], 1
    for length in reversed(shape):
        found.append(stride)
        stride *= length
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Affine:
    """offset + Σ factor · variable."""

    terms: tuple[tuple[str, int], ...]
    offset: int = 0


Place = int | str | Affine  # along one axis: a number, a loop's variable, or both
Index = tuple[Place, ...]


def at(variable: str, offset: int = 0, factor: int = 1) -> Place:
    """factor · variable + offset."""
    if offset == 0 and factor == 1:
        return variable
    return Affine(((variable, factor),), offset)


def affine(place: Place) -> Affine:
    """A place in its full form."""
    match place:
        case int():
            return Affine((), place)
        case str():
            return Affine(((place, 1),))
        case Affine():
            return place


@dataclass(frozen=True, slots=True)
class Load:
    """local ← buffer[index]"""

    name: str
    buffer: Buffer
    index: Index


@dataclass(frozen=True, slots=True)
class Store:
    """buffer[index] ← local"""

    buffer: Buffer
    index: Index
    name: str


@dataclass(frozen=True, slots=True)
class Compute:
    """Locals from locals: one expression for each output, whose argument `xi` is `inputs[i]`."""

    outputs: tuple[str, ...]
    expressions: tuple[Expr, ...]
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """local ← where a loop stands, as a real number"""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Transpose:
    """target[columns, rows] ← source[rows, columns], the last axes of both without gaps."""

    source: Buffer
    target: Buffer


@dataclass(frozen=True, slots=True)
class MultiplyAdd:
    """local ← before + a · b, with one rounding where the target can; without `before`, the product."""

    name: str
    before: str | None
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Draw:
    """Four locals of uniform numbers of [0, 1): Philox at the counter (step, node, sample, group).

    `sample` is a local that holds the sample's number in the bits of a real; `state` is a buffer of 32-bit
    words: the two of the key, then the step. With `nets` of them there are first words and second words of so
    many keys, and `net` is the one at hand.
    """

    outputs: tuple[str, str, str, str]
    state: Buffer
    node: int
    sample: str
    group: Place
    net: Place = 0
    nets: int = 1


@dataclass(frozen=True, slots=True)
class Lookup:
    """variable ← table[index]: a whole number from 0 to `below` − 1, which stands in places as a variable
    of a loop does. The table holds 32-bit whole numbers."""

    variable: str
    table: Buffer
    index: Index
    below: int


@dataclass(frozen=True, slots=True)
class Within:
    """variable ← place; where that is not one of 0 to `below` − 1, the turn of the loop around ends here, and
    accumulators take nothing in. Plain loops have it, where schedules for machines have runs."""

    variable: str
    place: Affine
    below: int


@dataclass(frozen=True, slots=True)
class Gather:
    """local ← buffer[index], on the axis `axis` at the whole number that the local `chosen` holds, in each
    lane its own; beyond the ends of the axis what stands there. The index is 0 on that axis."""

    name: str
    buffer: Buffer
    index: Index
    axis: int
    chosen: str


@dataclass(frozen=True, slots=True)
class ScatterAdd:
    """buffer[index] ← buffer[index] + local, at a place as of `Gather`. Lanes write places of their own."""

    buffer: Buffer
    index: Index
    axis: int
    chosen: str
    name: str


@dataclass(frozen=True, slots=True)
class Accumulator:
    """A local that a fold carries from turn to turn: it begins with `first` (0, or −∞ for a maximum) and
    takes in the product of `factors`, or that one local, in each turn. The body knows its value by its name.

    Of kind `carry` it becomes its one factor: what a fold within the body makes of it.
    """

    name: str
    factors: tuple[str, ...]
    kind: Literal["sum", "max", "carry"] = "sum"
    first: str | None = None


@dataclass(frozen=True, slots=True)
class For:
    """body for variable = begin, begin + step, … below `end`.

    `lanes` loops take `step` native vectors at once where as many are left, and the rest in smaller ones; or
    they go back to fill a vector, where what is done `again` comes to the same.
    """

    variable: str
    end: int
    body: tuple["Statement", ...]
    kind: Literal["loop", "lanes"] = "loop"
    step: int = 1
    begin: int = 0
    again: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """A loop whose body feeds accumulators. Along lanes each has as many partial sums as there are lanes,
    which are added at the end in a fixed order.

    Where `begin` and `end` are variables of lookups, it may have no turn at all.
    """

    variable: str
    end: int | str
    body: tuple["Statement", ...]
    accumulators: tuple[Accumulator, ...]
    kind: Literal["loop", "lanes"] = "loop"
    unroll: int = 1
    begin: int | str = 0


Statement = (
    Load
    | Store
    | Compute
    | Number
    | Transpose
    | MultiplyAdd
    | Draw
    | Lookup
    | Within
    | Gather
    | ScatterAdd
    | For
    | Fold
)


Arithmetic = Literal["own", "estimated", "double"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function over buffers. `outputs` names those that it writes; no two overlap, unless they are the same
    memory, read before it is written in each turn.

    It works on its program's type of numbers, with quotients and roots from the processor's estimates where
    that is `estimated`; in `double` on float64, whatever the type is.
    """

    name: str
    parameters: tuple[Buffer, ...]
    body: tuple[Statement, ...]
    title: str = ""
    arithmetic: Arithmetic = "own"

    @property
    def outputs(self) -> tuple[str, ...]:
        stored = {s.buffer.name for s in statements(self.body) if isinstance(s, Store | ScatterAdd)}
        stored |= {s.target.name for s in statements(self.body) if isinstance(s, Transpose)}
        return tuple(b.name for b in self.parameters if b.name in stored)


def may_repeat(body: tuple[Statement, ...]) -> bool:
    """Whether a body that is carried out once more changes nothing: it reads no buffer that it writes."""
    every = list(statements(body))
    read = {s.buffer.name for s in every if isinstance(s, Load | Gather)}
    written = {s.buffer.name for s in every if isinstance(s, Store)}
    return read.isdisjoint(written) and not any(isinstance(s, ScatterAdd | Transpose) for s in every)


def statements(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement of a body, the inner ones after their loop."""
    for statement in body:
        yield statement
        if isinstance(statement, For | Fold):
            yield from statements(statement.body)
