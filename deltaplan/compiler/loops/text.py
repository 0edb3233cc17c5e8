"""Kernels and programs as text: one line a statement, memory named by the tensors that lie in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

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
    Place,
    ScatterAdd,
    Statement,
    Store,
    Transpose,
    Within,
    affine,
)
from deltaplan.plugins.expressions import Expr, argument, replace, to_text
from deltaplan.records import dataclass

STEP = "  "  # how far the body of a loop stands in


def kernel_text(kernel: Kernel, tensors: Sequence[str] = ()) -> str:
    """The kernel with its parameters named by `tensors`, those of one of its calls, or by its own names.

    samples1(W2 [25], z2 [5, 40], b2 [5]) -> z3 [5, 40]
      for b in lanes 0..40 by 2 vectors
        t1 = z2[0, b]
    """
    own = [buffer.name for buffer in kernel.parameters]
    names = dict(zip(own, tensors or own, strict=True))
    lines = [_head(kernel, names)]
    lines += Writer(names).body(kernel.body, STEP)
    return "\n".join(lines) + "\n"


def _head(kernel: Kernel, names: Mapping[str, str]) -> str:
    written = kernel.outputs

    def listed(buffers: Sequence[Buffer]) -> str:
        return ", ".join(f"{names[b.name]} {list(b.shape)}" for b in buffers)

    read = [b for b in kernel.parameters if b.name not in written]
    result = [b for b in kernel.parameters if b.name in written]
    return f"{kernel.name}({listed(read)}) -> {listed(result)}"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes statements; `names` are those that buffers are shown under."""

    names: Mapping[str, str]

    def body(self, body: Sequence[Statement], margin: str) -> Iterator[str]:
        for statement in body:
            for line in WRITERS[type(statement)](self, statement):
                yield margin + line

    def access(self, buffer: Buffer, index: Index) -> str:
        """`z2[k, b]`"""
        return f"{self.names.get(buffer.name, buffer.name)}[{', '.join(map(place_text, index))}]"

    def loop(self, word: str, statement: For | Fold, range_: str) -> Iterator[str]:
        lanes = "lanes " if statement.kind == "lanes" else ""
        yield f"{word} {statement.variable} in {lanes}{range_}"
        yield from self.body(statement.body, STEP)


def place_text(place: Place) -> str:
    """`k`, `3`, `4*k + 1`"""
    form = affine(place)
    terms = [name if factor == 1 else f"{factor}*{name}" for name, factor in form.terms]
    text = " + ".join([*terms, *([str(form.offset)] if form.offset or not terms else [])])
    return text.replace("+ -", "- ")


def _load(w: Writer, s: Load) -> Iterator[str]:
    yield f"{s.name} = {w.access(s.buffer, s.index)}"


def _store(w: Writer, s: Store) -> Iterator[str]:
    yield f"{w.access(s.buffer, s.index)} = {s.name}"


def _compute(w: Writer, s: Compute) -> Iterator[str]:
    names = {f"x{i}": name for i, name in enumerate(s.inputs)}
    done: dict[Expr, Expr] = {}
    for name, expression in zip(s.outputs, s.expressions, strict=True):
        yield f"{name} = {to_text(replace(expression, done), names)}"
        if expression.args:
            done[expression] = argument(f"={name}")
            names[f"={name}"] = name


def _number(w: Writer, s: Number) -> Iterator[str]:
    yield f"{s.name} = {place_text(s.place)}"


def _transpose(w: Writer, s: Transpose) -> Iterator[str]:
    source, target = (w.names.get(b.name, b.name) for b in (s.source, s.target))
    yield f"{target}[j, i] = {source}[i, j] for i in 0..{s.source.shape[0]}, j in 0..{s.source.shape[1]}"


def _multiply_add(w: Writer, s: MultiplyAdd) -> Iterator[str]:
    yield f"{s.name} = {s.before} + {s.a}*{s.b}" if s.before else f"{s.name} = {s.a}*{s.b}"


def _draw(w: Writer, s: Draw) -> Iterator[str]:
    state = w.names.get(s.state.name, s.state.name)
    counter = f"node {s.node}, sample {s.sample}, group {place_text(s.group)}"
    yield f"{', '.join(s.outputs)} = draw({state}, {counter})"


def _lookup(w: Writer, s: Lookup) -> Iterator[str]:
    yield f"{s.variable} = {w.access(s.table, s.index)} below {s.below}"


def _within(w: Writer, s: Within) -> Iterator[str]:
    yield f"{s.variable} = {place_text(s.place)} within 0..{s.below}"


def _gather(w: Writer, s: Gather) -> Iterator[str]:
    yield f"{s.name} = {_chosen(w, s)}"


def _scatter_add(w: Writer, s: ScatterAdd) -> Iterator[str]:
    yield f"{_chosen(w, s)} += {s.name}"


def _chosen(w: Writer, s: Gather | ScatterAdd) -> str:
    """`z2[[i], b]`: the place that a local holds"""
    places = [f"[{s.chosen}]" if n == s.axis else place_text(place) for n, place in enumerate(s.index)]
    return f"{w.names.get(s.buffer.name, s.buffer.name)}[{', '.join(places)}]"


def _for(w: Writer, s: For) -> Iterator[str]:
    many = "s" * (s.step > 1)
    by = f" by {s.step} vector{many}" if s.kind == "lanes" else f" by {s.step}" if s.step > 1 else ""
    yield from w.loop("for", s, f"{s.begin}..{s.end}{by}")


def _fold(w: Writer, s: Fold) -> Iterator[str]:
    for accumulator in s.accumulators:
        yield f"{accumulator.name} = {_first(accumulator)}"
    yield from w.loop("fold", s, f"{s.begin}..{s.end}" + (f" by {s.unroll}" if s.unroll > 1 else ""))
    for accumulator in s.accumulators:
        yield STEP + _taken(accumulator)


def _first(accumulator: Accumulator) -> str:
    return accumulator.first or ("-inf" if accumulator.kind == "max" else "0")


def _taken(accumulator: Accumulator) -> str:
    value = "*".join(accumulator.factors)
    if accumulator.kind == "max":
        return f"{accumulator.name} = max({accumulator.name}, {value})"
    return f"{accumulator.name} {'=' if accumulator.kind == 'carry' else '+='} {value}"


WRITERS: Mapping[type[Statement], Callable[[Writer, Any], Iterator[str]]] = {
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
