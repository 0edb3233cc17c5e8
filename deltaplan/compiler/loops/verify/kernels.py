"""One kernel: scopes, bounds, lanes, and whether its results are written whole."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from deltaplan.compiler.loops.nest import (
    Accumulator,
    Buffer,
    Compute,
    Draw,
    Fold,
    For,
    Index,
    Kernel,
    Load,
    MultiplyAdd,
    Number,
    Place,
    Statement,
    Store,
    Transpose,
    affine,
)
from deltaplan.compiler.loops.text import kernel_text, place_text
from deltaplan.compiler.loops.verify.coverage import covers
from deltaplan.plugins.expressions import arguments


@dataclass(frozen=True, slots=True)
class Turns:
    """The values of a loop's variable."""

    values: range
    lanes: bool


Loops = Mapping[str, Turns]


@dataclass(frozen=True, slots=True)
class Access:
    """One place in the text that reads or writes memory, in the loops around it. `top` is the number of the
    kernel's outermost statement that it stands in."""

    kind: Literal["read", "write"]
    buffer: Buffer
    index: Index
    loops: Loops
    top: int


@dataclass(slots=True)
class Checker:
    """What is known at a point of a kernel, and what was found so far."""

    parameters: Mapping[str, Buffer]
    loops: dict[str, Turns] = field(default_factory=dict)
    locals: set[str] = field(default_factory=set)
    accesses: list[Access] = field(default_factory=list)
    top: int = 0

    def body(self, body: Sequence[Statement]) -> Iterator[str]:
        for number, statement in enumerate(body):
            if not self.loops:
                self.top = number
            yield from CHECKS[type(statement)](self, statement)

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
        self.accesses.append(Access(kind, buffer, index, dict(self.loops), self.top))

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


def _for(c: Checker, s: For) -> Iterator[str]:
    if s.step < 1:
        yield f"`{s.variable}` goes on by {s.step}"
        return
    yield from c.loop(s, range(s.begin, s.end, 1 if s.kind == "lanes" else s.step))


def _fold(c: Checker, s: Fold) -> Iterator[str]:
    if s.end < 1 or s.unroll < 1:
        yield f"the fold over `{s.variable}` takes in nothing"
    for accumulator in s.accumulators:
        yield from c.read(*([accumulator.first] if accumulator.first else []))
        if not 1 <= len(accumulator.factors) <= (2 if accumulator.kind == "sum" else 1):
            yield f"`{accumulator.name}` takes in {len(accumulator.factors)} factors"
    if s.unroll > 1 and s.kind == "loop" and not all(isinstance(b, Load | Compute) for b in s.body):
        yield f"the unrolled fold over `{s.variable}` holds more than loads and computations"
    yield from c.loop(s, range(s.end), s.accumulators)
    yield from c.write(*(accumulator.name for accumulator in s.accumulators))


CHECKS: Mapping[type[Statement], Callable[[Checker, Any], Iterator[str]]] = {
    Load: _load,
    Store: _store,
    Compute: _compute,
    Number: _number,
    Transpose: _transpose,
    MultiplyAdd: _multiply_add,
    Draw: _draw,
    For: _for,
    Fold: _fold,
}


def faults_of_kernel(kernel: Kernel) -> Iterator[str]:
    """What is wrong with a kernel, as short texts."""
    parameters = {buffer.name: buffer for buffer in kernel.parameters}
    if len(parameters) < len(kernel.parameters):
        yield "two parameters have one name"
    checker = Checker(parameters)
    faults = list(dict.fromkeys(checker.body(kernel.body)))
    yield from faults
    if faults:
        return
    for name in kernel.outputs:
        writes = [a for a in checker.accesses if a.kind == "write" and a.buffer.name == name]
        if not _covered(writes):
            yield f"`{name}` is not written whole"


def reads_of(kernel: Kernel) -> frozenset[str]:
    """The parameters whose numbers must be there when the kernel is called: those that it reads before, or
    where, it has not written them whole itself."""
    checker = Checker({buffer.name: buffer for buffer in kernel.parameters})
    faults = list(checker.body(kernel.body))
    assert not faults, f"{faults}\n{kernel_text(kernel)}"
    found = {s.state.name for s in _draws(kernel.body)}
    for read in (a for a in checker.accesses if a.kind == "read"):
        before = [
            a
            for a in checker.accesses
            if a.kind == "write" and a.buffer.name == read.buffer.name and a.top < read.top
        ]
        if not before or not _covered(before):
            found.add(read.buffer.name)
    return frozenset(found)


def _draws(body: Sequence[Statement]) -> Iterator[Draw]:
    for statement in body:
        match statement:
            case Draw():
                yield statement
            case For() | Fold():
                yield from _draws(statement.body)


def _covered(writes: Sequence[Access]) -> bool:
    """Whether accesses reach every number of their buffer, whatever shape they see it in."""
    shapes = dict.fromkeys(a.buffer.shape for a in writes)
    return any(covers(shape, [_values(a) for a in writes if a.buffer.shape == shape]) for shape in shapes)


def _values(access: Access) -> list[frozenset[int]] | None:
    """The places on each axis that an access reaches; None where the axes move together."""
    variables = [name for place in access.index for name, _ in affine(place).terms]
    if len(set(variables)) < len(variables):
        return None
    return [frozenset(_places(place, access.loops)) for place in access.index]


def _places(place: Place, loops: Loops) -> set[int]:
    form = affine(place)
    found = {form.offset}
    for name, factor in form.terms:
        found = {place + factor * value for place in found for value in loops[name].values}
    return found
