"""One kernel, statement by statement: scopes, bounds, lanes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from math import prod
from typing import Any, Literal

from deltaplan.compiler.loops.nest import (
    Accumulator,
    Affine,
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
    """The values of a loop's variable, in the one loop that they belong to."""

    values: range


Loops = Mapping[str, Turns]


@dataclass(frozen=True, slots=True)
class Access:
    """One place in the text that reads or writes memory, in the loops around it. `path` has the numbers of
    the statements that it stands in, in the kernel's body, in a statement's of that, and so on."""

    kind: Literal["read", "write"]
    buffer: Buffer
    index: Sequence[Affine]
    loops: Loops
    path: tuple[int, ...]


@dataclass(slots=True)
class Checker:
    """What is known at a point of a kernel, and what was found so far. `loops` is another mapping after each
    change, since accesses keep it; `lanes` is the variable that runs along lanes here."""

    parameters: Mapping[str, Buffer]
    loops: Loops = field(default_factory=dict)
    lanes: str | None = None
    locals: set[str] = field(default_factory=set)
    accesses: list[Access] = field(default_factory=list)
    path: tuple[int, ...] = ()
    faults: list[str] = field(default_factory=list)

    def body(self, body: Sequence[Statement]) -> None:
        outer = self.path
        for number, statement in enumerate(body):
            self.path = (*outer, number)
            CHECKS[type(statement)](self, statement)
        self.path = outer

    def of(self, kind: str, buffer: str) -> list[Access]:
        """What reads a buffer, or what writes it."""
        return [a for a in self.accesses if a.kind == kind and a.buffer.name == buffer]

    def fault(self, text: str) -> None:
        self.faults.append(text)

    def read(self, *names: str) -> None:
        for name in names:
            if name not in self.locals:
                self.fault(f"`{name}` is read where it is not known")

    def write(self, *names: str) -> None:
        for name in names:
            if name in self.locals:
                self.fault(f"`{name}` is written twice")
            self.locals.add(name)

    def whole(self, place: Place, what: str) -> None:
        """A place as a number: the same in all lanes."""
        form = affine(place)
        self._known(form)
        if self.lanes and self.lanes in dict(form.terms):
            self.fault(f"{what} {place_text(place)} differs between lanes")

    def access(self, kind: Literal["read", "write"], buffer: Buffer, index: Index) -> None:
        declared = self.parameters.get(buffer.name)
        if declared is None or (
            declared.shape != buffer.shape and prod(declared.shape) != prod(buffer.shape)
        ):
            self.fault(f"{_text(buffer, index)} is no parameter of {list(buffer.shape)}")
        if len(index) != len(buffer.shape):
            self.fault(f"{_text(buffer, index)} has {len(index)} places for {len(buffer.shape)} axes")
            return
        forms = [affine(place) for place in index]
        known = [self._known(form) for form in forms]
        if not all(known):
            return
        for form, length in zip(forms, buffer.shape, strict=True):
            least, most = self._range(form)
            if least < 0 or most >= length:
                self.fault(f"{_text(buffer, index)} reaches from {least} to {most} on an axis of {length}")
        if self.lanes is not None and (fault := self._across_lanes(kind, forms)):
            self.fault(fault.format(_text(buffer, index)))
        self.accesses.append(Access(kind, buffer, forms, self.loops, self.path))

    def _known(self, form: Affine) -> bool:
        """Whether a place has variables of loops around it alone."""
        unknown = [name for name, _ in form.terms if name not in self.loops]
        for name in unknown:
            self.fault(f"`{name}` is the variable of no loop around {place_text(form)}")
        return not unknown

    def _range(self, form: Affine) -> tuple[int, int]:
        least = most = form.offset
        for name, factor in form.terms:
            values = self.loops[name].values
            first, last = factor * values[0], factor * values[-1]
            least += min(first, last)
            most += max(first, last)
        return least, most

    def _across_lanes(self, kind: str, forms: Sequence[Affine]) -> str | None:
        """Lanes run along the last axis, one number each; what is written differs between them."""
        *outer, last = [[f for name, f in form.terms if name == self.lanes] for form in forms] or [[]]
        if any(outer) or last not in ([], [1]):
            return "lanes do not run along {}"
        if kind == "write" and not last:
            return "all lanes write {}"
        return None

    def loop(self, statement: For | Fold, values: range, inner: Sequence[Accumulator] = ()) -> None:
        """The body with its variable; what it makes known is forgotten afterwards."""
        variable, lanes = statement.variable, statement.kind == "lanes"
        if variable in self.loops:
            self.fault(f"`{variable}` is the variable of two loops")
        if lanes and self.lanes is not None:
            self.fault(f"lanes of `{variable}` within lanes of `{self.lanes}`")
        if not values:
            return
        before = self.loops, self.lanes, set(self.locals)
        self.loops = {**self.loops, variable: Turns(values)}
        if lanes and self.lanes is None:
            self.lanes = variable
        self.locals |= {accumulator.name for accumulator in inner}
        self.body(statement.body)
        for accumulator in inner:
            self.read(*accumulator.factors)
        self.loops, self.lanes, self.locals = before

    def chosen(self, variable: str, below: int) -> None:
        """A variable that is looked up goes on to the end of the loop around."""
        if variable in self.loops:
            self.fault(f"`{variable}` is the variable of a loop, too")
        self.loops = {**self.loops, variable: Turns(range(below))}


def _text(buffer: Buffer, index: Index) -> str:
    return f"{buffer.name}[{', '.join(map(place_text, index))}]"


def _load(c: Checker, s: Load) -> None:
    c.access("read", s.buffer, s.index)
    c.write(s.name)


def _store(c: Checker, s: Store) -> None:
    c.read(s.name)
    c.access("write", s.buffer, s.index)


def _compute(c: Checker, s: Compute) -> None:
    c.read(*s.inputs)
    known = {f"x{i}" for i in range(len(s.inputs))}
    for name in set(arguments(*s.expressions)) - known:
        c.fault(f"an expression of `{s.outputs[0]}` has no input for `{name}`")
    if len(s.outputs) != len(s.expressions):
        c.fault(f"{len(s.expressions)} expressions for {len(s.outputs)} locals")
    c.write(*s.outputs)


def _number(c: Checker, s: Number) -> None:
    c.whole(s.place, f"the number `{s.name}` =")
    c.write(s.name)


def _transpose(c: Checker, s: Transpose) -> None:
    if len(s.source.shape) != 2 or s.target.shape != (*reversed(s.source.shape),):
        c.fault(f"`{s.target.name}` has not the transposed shape of `{s.source.name}`")
        return
    if c.loops:
        c.fault(f"`{s.source.name}` is transposed within a loop")
    around, (i, j) = c.loops, (Turns(range(n)) for n in s.source.shape)
    c.loops = {**around, "%i": i, "%j": j}
    c.access("read", s.source, ("%i", "%j"))
    c.access("write", s.target, ("%j", "%i"))
    c.loops = around


def _multiply_add(c: Checker, s: MultiplyAdd) -> None:
    c.read(s.a, s.b, *([s.before] if s.before else []))
    c.write(s.name)


def _draw(c: Checker, s: Draw) -> None:
    c.read(s.sample)
    c.whole(s.group, "the group")
    if s.state.name not in c.parameters:
        c.fault(f"`{s.state.name}` is no parameter")
    c.write(*s.outputs)


def _lookup(c: Checker, s: Lookup) -> None:
    c.access("read", s.table, s.index)
    for place in s.index:
        c.whole(place, f"the place of `{s.variable}`,")
    c.chosen(s.variable, s.below)


def _within(c: Checker, s: Within) -> None:
    c.whole(s.place, f"`{s.variable}` =")
    c.chosen(s.variable, s.below)


def _gather(c: Checker, s: Gather) -> None:
    _chosen(c, s)
    c.write(s.name)


def _scatter_add(c: Checker, s: ScatterAdd) -> None:
    c.read(s.name)
    _chosen(c, s)


def _chosen(c: Checker, s: Gather | ScatterAdd) -> None:
    """An access to any place on an axis."""
    c.read(s.chosen)
    any_place = (*s.index[: s.axis], "%any", *s.index[s.axis + 1 :])
    around = c.loops
    c.loops = {**around, "%any": Turns(range(s.buffer.shape[s.axis]))}
    c.access("read", s.buffer, any_place)
    c.loops = around


def _for(c: Checker, s: For) -> None:
    if s.step < 1:
        c.fault(f"`{s.variable}` goes on by {s.step}")
        return
    c.loop(s, range(s.begin, s.end, 1 if s.kind == "lanes" else s.step))


def _fold(c: Checker, s: Fold) -> None:
    turns = _turns(c, s)
    if not turns or s.unroll < 1:
        c.fault(f"the fold over `{s.variable}` takes in nothing")
    for accumulator in s.accumulators:
        c.read(*([accumulator.first] if accumulator.first else []))
        if not 1 <= len(accumulator.factors) <= (2 if accumulator.kind == "sum" else 1):
            c.fault(f"`{accumulator.name}` takes in {len(accumulator.factors)} factors")
    if s.unroll > 1 and s.kind == "loop" and not all(isinstance(b, Load | Compute) for b in s.body):
        c.fault(f"the unrolled fold over `{s.variable}` holds more than loads and computations")
    c.loop(s, turns, s.accumulators)
    c.write(*(accumulator.name for accumulator in s.accumulators))


def _turns(c: Checker, s: Fold) -> range:
    """What a fold may go through: of a variable as a bound, from its least value or to its largest."""
    begin = c.loops[s.begin].values[0] if isinstance(s.begin, str) else s.begin
    end = c.loops[s.end].values[-1] if isinstance(s.end, str) else s.end
    return range(begin, end)


CHECKS: Mapping[type[Statement], Callable[[Checker, Any], None]] = {
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
