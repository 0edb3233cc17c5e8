"""One kernel, statement by statement: scopes, bounds, lanes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from math import prod
from typing import Any, Literal

from deltaplan.compiler.loops.nest import (
    Accumulator,
    Buffer,
    Compute,
    Draw,
    Fold,
    For,
    Gather,
    Index,
    Load,
    Lookup,
    MultiplyAdd,
    Number,
    Place,
    ScatterAdd,
    Statement,
    Store,
    Transpose,
    Within,
    affine,
)
from deltaplan.compiler.loops.text import place_text
from deltaplan.plugins.expressions import arguments
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Turns:
    """The values of a loop's variable."""

    values: range
    lanes: bool


Loops = Mapping[str, Turns]


@dataclass(frozen=True, slots=True)
class Access:
    """One place in the text that reads or writes memory, in the loops around it. `path` has the numbers of
    the statements that it stands in, in the kernel's body, in a statement's of that, and so on."""

    kind: Literal["read", "write"]
    buffer: Buffer
    index: Index
    loops: Loops
    path: tuple[int, ...]


@dataclass(slots=True)
class Checker:
    """What is known at a point of a kernel, and what was found so far."""

    parameters: Mapping[str, Buffer]
    loops: dict[str, Turns] = field(default_factory=dict)
    locals: set[str] = field(default_factory=set)
    accesses: list[Access] = field(default_factory=list)
    path: tuple[int, ...] = ()

    def body(self, body: Sequence[Statement]) -> Iterator[str]:
        outer = self.path
        for number, statement in enumerate(body):
            self.path = (*outer, number)
            yield from CHECKS[type(statement)](self, statement)
        self.path = outer

    def read(self, *names: str) -> Iterator[str]:
        yield from (f"`{name}` is read where it is not known" for name in names if name not in self.locals)

    def write(self, *names: str) -> Iterator[str]:
        for name in names:
            if name in self.locals:
                yield f"`{name}` is written twice"
            self.locals.add(name)

    @property
    def lanes(self) -> str | None:
        """The variable that runs along lanes here."""
        return next((v for v, turns in self.loops.items() if turns.lanes), None)

    def whole(self, place: Place, what: str) -> Iterator[str]:
        """A place as a number: the same in all lanes."""
        yield from self._variables(place)
        if self.lanes and self.lanes in dict(affine(place).terms):
            yield f"{what} {place_text(place)} differs between lanes"

    def access(self, kind: Literal["read", "write"], buffer: Buffer, index: Index) -> Iterator[str]:
        text = f"{buffer.name}[{', '.join(map(place_text, index))}]"
        declared = self.parameters.get(buffer.name)
        if declared is None or prod(declared.shape) != prod(buffer.shape):
            yield f"{text} is no parameter of {list(buffer.shape)}"
        if len(index) != len(buffer.shape):
            yield f"{text} has {len(index)} places for {len(buffer.shape)} axes"
            return
        unknown = [fault for place in index for fault in self._variables(place)]
        yield from unknown
        if unknown:
            return
        for place, length in zip(index, buffer.shape, strict=True):
            least, most = self._range(place)
            if least < 0 or most >= length:
                yield f"{text} reaches from {least} to {most} on an axis of {length}"
        yield from self._along_lanes(kind, text, index)
        self.accesses.append(Access(kind, buffer, index, dict(self.loops), self.path))

    def _variables(self, place: Place) -> Iterator[str]:
        for name, _ in affine(place).terms:
            if name not in self.loops:
                yield f"`{name}` is the variable of no loop around {place_text(place)}"

    def _range(self, place: Place) -> tuple[int, int]:
        form = affine(place)
        ends = [
            sorted((factor * self.loops[name].values[0], factor * self.loops[name].values[-1]))
            for name, factor in form.terms
        ]
        return form.offset + sum(low for low, _ in ends), form.offset + sum(high for _, high in ends)

    def _along_lanes(self, kind: str, text: str, index: Index) -> Iterator[str]:
        """Lanes run along the last axis, one number each; what is written differs between them."""
        lanes = self.lanes
        if lanes is None:
            return
        terms = [[factor for name, factor in affine(place).terms if name == lanes] for place in index]
        if any(terms[:-1]) or (terms and terms[-1] not in ([], [1])):
            yield f"lanes do not run along {text}"
        elif kind == "write" and not (terms and terms[-1]):
            yield f"all lanes write {text}"

    def loop(self, statement: For | Fold, values: range, inner: Sequence[Accumulator] = ()) -> Iterator[str]:
        """The body with its variable; what it makes known is forgotten afterwards."""
        variable, lanes = statement.variable, statement.kind == "lanes"
        if variable in self.loops:
            yield f"`{variable}` is the variable of two loops"
        if lanes and self.lanes is not None:
            yield f"lanes of `{variable}` within lanes of `{self.lanes}`"
        if not values:
            return
        loops, known = dict(self.loops), set(self.locals)
        self.loops[variable] = Turns(values, lanes)
        self.locals |= {accumulator.name for accumulator in inner}
        yield from self.body(statement.body)
        for accumulator in inner:
            yield from self.read(*accumulator.factors)
        self.loops, self.locals = loops, known


def _load(c: Checker, s: Load) -> Iterator[str]:
    yield from c.access("read", s.buffer, s.index)
    yield from c.write(s.name)


def _store(c: Checker, s: Store) -> Iterator[str]:
    yield from c.read(s.name)
    yield from c.access("write", s.buffer, s.index)


def _compute(c: Checker, s: Compute) -> Iterator[str]:
    yield from c.read(*s.inputs)
    known = {f"x{i}" for i in range(len(s.inputs))}
    for name in set(arguments(*s.expressions)) - known:
        yield f"an expression of `{s.outputs[0]}` has no input for `{name}`"
    if len(s.outputs) != len(s.expressions):
        yield f"{len(s.expressions)} expressions for {len(s.outputs)} locals"
    yield from c.write(*s.outputs)


def _number(c: Checker, s: Number) -> Iterator[str]:
    yield from c.whole(s.place, f"the number `{s.name}` =")
    yield from c.write(s.name)


def _transpose(c: Checker, s: Transpose) -> Iterator[str]:
    if len(s.source.shape) != 2 or s.target.shape != (*reversed(s.source.shape),):
        yield f"`{s.target.name}` has not the transposed shape of `{s.source.name}`"
        return
    if c.loops:
        yield f"`{s.source.name}` is transposed within a loop"
    i, j = (Turns(range(n), False) for n in s.source.shape)
    c.loops |= {"%i": i, "%j": j}
    yield from c.access("read", s.source, ("%i", "%j"))
    yield from c.access("write", s.target, ("%j", "%i"))
    del c.loops["%i"], c.loops["%j"]


def _multiply_add(c: Checker, s: MultiplyAdd) -> Iterator[str]:
    yield from c.read(s.a, s.b, *([s.before] if s.before else []))
    yield from c.write(s.name)


def _draw(c: Checker, s: Draw) -> Iterator[str]:
    yield from c.read(s.sample)
    yield from c.whole(s.group, "the group")
    if s.state.name not in c.parameters:
        yield f"`{s.state.name}` is no parameter"
    yield from c.write(*s.outputs)


def _lookup(c: Checker, s: Lookup) -> Iterator[str]:
    yield from c.access("read", s.table, s.index)
    for place in s.index:
        yield from c.whole(place, f"the place of `{s.variable}`,")
    if s.variable in c.loops:
        yield f"`{s.variable}` is the variable of a loop, too"
    c.loops[s.variable] = Turns(range(s.below), False)


def _within(c: Checker, s: Within) -> Iterator[str]:
    yield from c.whole(s.place, f"`{s.variable}` =")
    if s.variable in c.loops:
        yield f"`{s.variable}` is the variable of a loop, too"
    c.loops[s.variable] = Turns(range(s.below), False)


def _gather(c: Checker, s: Gather) -> Iterator[str]:
    yield from _chosen(c, s)
    yield from c.write(s.name)


def _scatter_add(c: Checker, s: ScatterAdd) -> Iterator[str]:
    yield from c.read(s.name)
    yield from _chosen(c, s)


def _chosen(c: Checker, s: Gather | ScatterAdd) -> Iterator[str]:
    """An access to any place on an axis."""
    yield from c.read(s.chosen)
    any_place = (*s.index[: s.axis], "%any", *s.index[s.axis + 1 :])
    c.loops["%any"] = Turns(range(s.buffer.shape[s.axis]), False)
    yield from c.access("read", s.buffer, any_place)
    del c.loops["%any"]


def _for(c: Checker, s: For) -> Iterator[str]:
    if s.step < 1:
        yield f"`{s.variable}` goes on by {s.step}"
        return
    yield from c.loop(s, range(s.begin, s.end, 1 if s.kind == "lanes" else s.step))


def _fold(c: Checker, s: Fold) -> Iterator[str]:
    turns = _turns(c, s)
    if not turns or s.unroll < 1:
        yield f"the fold over `{s.variable}` takes in nothing"
    for accumulator in s.accumulators:
        yield from c.read(*([accumulator.first] if accumulator.first else []))
        if not 1 <= len(accumulator.factors) <= (2 if accumulator.kind == "sum" else 1):
            yield f"`{accumulator.name}` takes in {len(accumulator.factors)} factors"
    if s.unroll > 1 and s.kind == "loop" and not all(isinstance(b, Load | Compute) for b in s.body):
        yield f"the unrolled fold over `{s.variable}` holds more than loads and computations"
    yield from c.loop(s, turns, s.accumulators)
    yield from c.write(*(accumulator.name for accumulator in s.accumulators))


def _turns(c: Checker, s: Fold) -> range:
    """What a fold may go through: of a variable as a bound, from its least value or to its largest."""
    begin = c.loops[s.begin].values[0] if isinstance(s.begin, str) else s.begin
    end = c.loops[s.end].values[-1] if isinstance(s.end, str) else s.end
    return range(begin, end)


CHECKS: Mapping[type[Statement], Callable[[Checker, Any], Iterator[str]]] = {
    Load: _load,
    Store: _store,
    Compute: _compute,
    Number: _number,
    Transpose: _transpose,
    MultiplyAdd: _multiply_add,
    Draw: _draw,
    Lookup: _lookup,
    Within: _within,
    Gather: _gather,
    ScatterAdd: _scatter_add,
    For: _for,
    Fold: _fold,
}
