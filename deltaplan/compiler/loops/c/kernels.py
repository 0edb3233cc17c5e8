"""A kernel as a C function: what is read once stands where it is read."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from math import prod
from typing import Any

from deltaplan.compiler.loops.c.code import Block, Code
from deltaplan.compiler.loops.c.expressions import PRODUCT, SUM, UNARY, Piece, Writer
from deltaplan.compiler.loops.c.uses import Uses, ends_turns, is_one_turn
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Buffer,
    Compute,
    Draw,
    Fold,
    For,
    Gather,
    Index,
    Kernel,
    Load,
    Lookup,
    MultiplyAdd,
    Number,
    ScatterAdd,
    Statement,
    Store,
    Within,
    affine,
    statements,
)
from deltaplan.plugins.expressions import Op
from deltaplan.records import dataclass

WORDS = "uint32_t"
PLACES = "places"  # the type of the numbers in tables
LETTERS = {"i0": "i", "i1": "j", "i2": "k", "i3": "l"}  # of loops over the axes of a sample


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function: `by_value` a single number that is read, `words` a whole one of 32 bits,
    `table` whole numbers that are places."""

    name: str
    written: bool
    by_value: bool
    words: bool = False
    table: bool = False

    def declared(self, type_: str) -> str:
        """`const float *z`"""
        if self.table:
            return f"const {PLACES} *{self.name}"
        if self.words:
            return f"{WORDS} {self.name}"
        if self.by_value:
            return f"{type_} {self.name}"
        return f"{type_} *{self.name}" if self.written else f"const {type_} *{self.name}"


def parameters_of(kernel: Kernel, names: Sequence[str]) -> tuple[Parameter, ...]:
    """The parameters of a kernel under the names that they have in C."""
    words, tables, outputs = _words(kernel.body), tables_of(kernel), kernel.outputs
    return tuple(
        Parameter(
            name,
            buffer.name in outputs,
            prod(buffer.shape) == 1 and buffer.name not in outputs,
            buffer.name in words,
            buffer.name in tables,
        )
        for buffer, name in zip(kernel.parameters, names, strict=True)
    )


def tables_of(kernel: Kernel) -> set[str]:
    """The buffers of whole numbers that are places."""
    return {s.table.name for s in statements(kernel.body) if isinstance(s, Lookup)}


def _words(body: Sequence[Statement]) -> set[str]:
    """The buffers of whole numbers: those of the counter of random numbers."""
    found: set[str] = set()
    for statement in body:
        if isinstance(statement, For | Fold):
            found |= _words(statement.body)
    draws = [s for s in body if isinstance(s, Draw)]
    found |= {s.state.name for s in draws}
    samples = {s.sample for s in draws}
    return found | {s.buffer.name for s in body if isinstance(s, Load) and s.name in samples}


def body_of(kernel: Kernel, parameters: Sequence[Parameter], writer: Writer) -> list[Code]:
    """The statements of a kernel."""
    given = dict(zip((b.name for b in kernel.parameters), parameters, strict=True))
    body = Body(writer, given)
    return body.code(kernel.body, Scope())


@dataclass(slots=True)
class Scope:
    """Loop variables with their values or names, and locals with their texts. `carried` has the C names of
    accumulators that grow in a variable that is there already."""

    variables: dict[str, int | str] = field(default_factory=dict)
    locals: dict[str, Piece] = field(default_factory=dict)
    carried: dict[str, str] = field(default_factory=dict)

    def inner(self, variable: str, value: int | str) -> "Scope":
        return Scope({**self.variables, variable: value}, dict(self.locals), dict(self.carried))


@dataclass
class Body:
    """Writes statements; names of locals are counted over the whole function."""

    writer: Writer
    parameters: Mapping[str, Parameter]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return self.writer.real.type

    def code(
        self, body: Sequence[Statement], scope: Scope, accumulators: Sequence[Accumulator] = ()
    ) -> list[Code]:
        out: list[Code] = []
        uses = Uses(body, accumulators)
        for number, statement in enumerate(body):
            WRITERS[type(statement)](self, statement, scope, out, uses.once(number))
        return out

    def fresh(self, stem: str) -> str:
        """`sum`, then `sum2`."""
        taken = {p.name for p in self.parameters.values()}
        while True:
            count = self.counts[stem] = self.counts.get(stem, 0) + 1
            name = stem if count == 1 else f"{stem}{count}"
            if name not in taken:
                return name

    def variable(self, name: str) -> str:
        """A loop's variable, under another name where a parameter has it."""
        taken = {p.name for p in self.parameters.values()}
        name = LETTERS.get(name, name)
        return f"{name}_" if name in taken else name

    def declare(self, text: str, out: list[Code]) -> str:
        name = self.fresh("u")
        out.append(f"const {self.type} {name} = {text};")
        return name

    def access(self, buffer: Buffer, index: Index, scope: Scope) -> str:
        parameter = self.parameters[buffer.name]
        if parameter.by_value:
            return parameter.name
        return f"{parameter.name}[{self.place(index, buffer.strides, scope)}]"

    def place(self, index: Index, strides: Sequence[int], scope: Scope) -> str:
        """`64 * j + k`"""
        terms: dict[str, int] = {}
        fixed = 0
        for place, stride in zip(index, strides, strict=True):
            form = affine(place)
            fixed += form.offset * stride
            for variable, factor in form.terms:
                value = scope.variables[variable]
                if isinstance(value, int):
                    fixed += value * factor * stride
                else:
                    terms[value] = terms.get(value, 0) + factor * stride
        ordered = sorted(terms.items(), key=lambda term: -abs(term[1]))
        texts = [name if factor == 1 else f"{factor} * {name}" for name, factor in ordered if factor]
        texts += [str(fixed)] if fixed or not texts else []
        return " + ".join(texts).replace("+ -", "- ")


def _load(b: Body, s: Load, scope: Scope, out: list[Code], once: bool) -> None:
    text = b.access(s.buffer, s.index, scope)
    alone = b.parameters[s.buffer.name].by_value or once
    scope.locals[s.name] = Piece(text if alone else b.declare(text, out))


def _store(b: Body, s: Store, scope: Scope, out: list[Code], once: bool) -> None:
    out.append(_assigned(b.access(s.buffer, s.index, scope), scope.locals[s.name]))


def _assigned(target: str, piece: Piece) -> str:
    """`z[i] = u;`, or `z[i] += u;`"""
    rest = piece.text.removeprefix(f"{target} + ")
    if piece.binds == SUM and rest != piece.text and not _is_sum(rest):
        return f"{target} += {rest};"
    return f"{target} = {piece.text};"


def _is_sum(text: str) -> bool:
    """Whether a text is more than one term: what `x += text` would round in another order."""
    depth = 0
    for before, letter in zip(" " + text, text, strict=False):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and letter in "+-" and before == " " and not text.startswith(letter):
            return True
    return False


def _compute(b: Body, s: Compute, scope: Scope, out: list[Code], once: bool) -> None:
    arguments = {f"x{i}": scope.locals[name] for i, name in enumerate(s.inputs)}
    pieces = b.writer.write(s.expressions, arguments, lambda text: b.declare(text, out))
    for name, piece, expression in zip(s.outputs, pieces, s.expressions, strict=True):
        plain = not expression.args or piece.text.isidentifier()
        scope.locals[name] = piece if plain or once else Piece(b.declare(piece.text, out))


def _number(b: Body, s: Number, scope: Scope, out: list[Code], once: bool) -> None:
    place = b.place((s.place,), (1,), scope)
    scope.locals[s.name] = Piece(f"({b.type}){place if place.isalnum() else f'({place})'}", UNARY)


def _multiply_add(b: Body, s: MultiplyAdd, scope: Scope, out: list[Code], once: bool) -> None:
    piece = _taken("sum", s.before, (s.a, s.b), scope, b)
    scope.locals[s.name] = piece if once else Piece(b.declare(piece.text, out))


def _draw(b: Body, s: Draw, scope: Scope, out: list[Code], once: bool) -> None:
    name, step = b.fresh("d"), b.parameters[s.state.name].name
    group = b.place((s.group,), (1,), scope)
    out.append(f"{b.type} {name}[4];")
    out.append(f"draw({step}, {s.node}, {scope.locals[s.sample].text}, ({WORDS}){_tight(group)}, {name});")
    for number, output in enumerate(s.outputs):
        scope.locals[output] = Piece(f"{name}[{number}]")


def _tight(text: str) -> str:
    return text if text.isalnum() else f"({text})"


def _lookup(b: Body, s: Lookup, scope: Scope, out: list[Code], once: bool) -> None:
    scope.variables[s.variable] = b.access(s.table, s.index, scope)


def _within(b: Body, s: Within, scope: Scope, out: list[Code], once: bool) -> None:
    """The test, then the place under a name of its own."""
    name, place = b.variable(s.variable), b.place((s.place,), (1,), scope)
    out.append(f"const int {name} = {place};")
    out.append(Block(f"if ({name} < 0 || {name} >= {s.below})", ["continue;"]))
    scope.variables[s.variable] = name


def _for(b: Body, s: For, scope: Scope, out: list[Code], once: bool) -> None:
    step = 1 if s.kind == "lanes" else s.step
    turns = len(range(s.begin, s.end, step))
    if turns == 1 and not ends_turns(s):
        out += b.code(s.body, scope.inner(s.variable, s.begin))
    elif turns:
        variable = b.variable(s.variable)
        forward = f"{variable}++" if step == 1 else f"{variable} += {step}"
        head = f"for (int {variable} = {s.begin}; {variable} < {s.end}; {forward})"
        out.append(Block(head, b.code(s.body, scope.inner(s.variable, variable))))


def _fold(b: Body, s: Fold, scope: Scope, out: list[Code], once: bool) -> None:
    if is_one_turn(s):
        _one_turn(b, s, scope, out, once)
        return
    names = {a.name: scope.carried.get(a.name) or _begun(b, a, scope, out) for a in s.accumulators}
    variable = b.variable(s.variable)
    inner = scope.inner(s.variable, variable)
    inner.carried = _carried(s, names)
    inner.locals |= {a.name: Piece(names[a.name]) for a in s.accumulators}
    code = b.code(s.body, inner, s.accumulators)
    code += _grown(b, s, names, inner)
    begin, end = (scope.variables[x] if isinstance(x, str) else x for x in (s.begin, s.end))
    out.append(Block(f"for (int {variable} = {begin}; {variable} < {end}; {variable}++)", code))
    for a in s.accumulators:
        scope.locals[a.name] = Piece(names[a.name])


def _one_turn(b: Body, s: Fold, scope: Scope, out: list[Code], once: bool) -> None:
    inner = scope.inner(s.variable, 0)
    names = {a.name: scope.carried[a.name] for a in s.accumulators if a.name in scope.carried}
    inner.carried = _carried(s, names)
    inner.locals |= {a.name: _first(b, a, scope) for a in s.accumulators if a.kind == "carry"}
    out += b.code(s.body, inner, s.accumulators)
    for a in s.accumulators:
        piece = _taken(a.kind, None, a.factors, inner, b)
        first = scope.locals[a.first] if a.first and a.kind != "carry" else None
        piece = piece if first is None else _joined(b, a, first, piece)
        scope.locals[a.name] = piece if once else Piece(b.declare(piece.text, out))


def _begun(b: Body, a: Accumulator, scope: Scope, out: list[Code]) -> str:
    """A variable that grows from turn to turn."""
    stems = {"sum": "sum", "max": "most", "carry": a.name.partition("_")[0]}
    name = b.fresh(stems[a.kind])
    out.append(f"{b.type} {name} = {_first(b, a, scope).text};")
    return name


def _carried(s: Fold, names: Mapping[str, str]) -> dict[str, str]:
    """The C names of what folds within this one make of its accumulators: the same variables."""
    within = [a for inner in s.body if isinstance(inner, Fold) for a in inner.accumulators]
    return {
        own.name: names[a.name]
        for a in s.accumulators
        for own in within
        if a.name in names and a.kind == "carry" and a.factors == (own.name,) and own.first == a.name
    }


def _grown(b: Body, s: Fold, names: Mapping[str, str], scope: Scope) -> list[Code]:
    """What the accumulators become in a turn; each is worked out of what all were before."""
    code: list[Code] = []
    pieces = [_taken(a.kind, None, a.factors, scope, b) for a in s.accumulators]
    for number, piece in enumerate(pieces):
        if any(_mentions(piece.text, names[a.name]) for a in s.accumulators[:number]):
            pieces[number] = Piece(b.declare(piece.text, code))
    for a, piece in zip(s.accumulators, pieces, strict=True):
        name = names[a.name]
        if a.kind == "carry":
            code += [_assigned(name, piece)] if piece.text != name else []
        elif a.kind == "sum":
            code.append(f"{name} += {piece.text};")
        else:
            code.append(f"{name} = {b.writer.call(Op.MAX, Piece(name), piece).text};")
    return code


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def _first(b: Body, a: Accumulator, scope: Scope) -> Piece:
    """What an accumulator begins with."""
    if a.first:
        return scope.locals[a.first]
    return b.writer.constant(float("-inf") if a.kind == "max" else 0.0)


def _taken(kind: str, before: str | None, factors: Sequence[str], scope: Scope, b: Body) -> Piece:
    """What is taken in: a product, after what was there before."""
    pieces = [scope.locals[name] for name in factors]
    piece = pieces[0]
    if len(pieces) == 2:
        piece = Piece(f"{pieces[0].at_least(PRODUCT)} * {pieces[1].at_least(UNARY)}", PRODUCT)
    if before is None:
        return piece
    return Piece(f"{scope.locals[before].at_least(SUM)} + {piece.at_least(PRODUCT)}", SUM)


def _joined(b: Body, a: Accumulator, first: Piece, piece: Piece) -> Piece:
    if a.kind == "max":
        return b.writer.call(Op.MAX, first, piece)
    return Piece(f"{first.at_least(SUM)} + {piece.at_least(PRODUCT)}", SUM)


def _gather(b: Body, s: Gather, scope: Scope, out: list[Code], once: bool) -> None:
    text = _chosen(b, s, scope, out)
    scope.locals[s.name] = Piece(text if once else b.declare(text, out))


def _scatter_add(b: Body, s: ScatterAdd, scope: Scope, out: list[Code], once: bool) -> None:
    value = scope.locals[s.name].at_least(PRODUCT)
    out.append(f"{_chosen(b, s, scope, out)} += {value};")


def _chosen(b: Body, s: Gather | ScatterAdd, scope: Scope, out: list[Code]) -> str:
    """An access whose place on one axis is a number of the memory."""
    b.writer.places = True
    name, length = b.fresh("n"), s.buffer.shape[s.axis]
    out.append(f"const int {name} = nearest_place({scope.locals[s.chosen].text}, {length});")
    inner = scope.inner("%chosen", name)
    return b.access(s.buffer, (*s.index[: s.axis], "%chosen", *s.index[s.axis + 1 :]), inner)


StatementWriter = Callable[[Body, Any, Scope, list[Code], bool], None]
WRITERS: Mapping[type[Any], StatementWriter] = {
    Load: _load,
    Store: _store,
    Compute: _compute,
    Number: _number,
    MultiplyAdd: _multiply_add,
    Draw: _draw,
    Gather: _gather,
    ScatterAdd: _scatter_add,
    Lookup: _lookup,
    Within: _within,
    For: _for,
    Fold: _fold,
}
