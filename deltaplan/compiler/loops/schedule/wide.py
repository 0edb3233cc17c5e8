"""Kernels of single steps on samples with many numbers each, and sums over the batch for wide layers."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from deltaplan.compiler.loops.nest import (
    Accumulator,
    Buffer,
    Compute,
    Draw,
    Fold,
    For,
    Load,
    Number,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.nest import Place as Spot
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import axis, loops, map_nest, row_blocks
from deltaplan.compiler.loops.schedule.signature import COUNTER, SAMPLES, Names
from deltaplan.compiler.steps import (
    ArgMax,
    Map,
    Pick,
    Place,
    Put,
    Random,
    Reduce,
    Shape,
    Slice,
    Step,
    Tensor,
)
from deltaplan.plugins.expressions import argument, const, equal, where

X0, X1, X2 = (argument(f"x{i}") for i in range(3))
Nest = tuple[Statement, ...]


def step_nest(step: Step, axes: Axes, names: Names) -> Nest:
    """The loops of one step."""
    return WRITERS[type(step)](step, axes, names)


def map_(step: Map, axes: Axes, names: Names) -> Nest:
    return map_nest(step, axes, names, "")


def reduce(step: Reduce, axes: Axes, names: Names) -> Nest:
    """Over features alone."""
    (x,) = step.inputs
    stay = [n for n in range(len(x.shape)) if n not in step.axes]
    load = Load(
        "x", names.buffer(x, x.shape), axes.index(names.root(x), *(axis(n) for n in range(len(x.shape))))
    )
    body: Nest = (load,)
    taken = "x"
    for n in reversed(step.axes):
        body = (Fold(axis(n), x.shape[n], body, (Accumulator(f"s{n}", (taken,), step.kind),)),)
        taken = f"s{n}"
    shape = tuple(x.shape[n] for n in stay)
    store = Store(names.buffer(step.output, shape), axes.index(step.output, *(axis(n) for n in stay)), taken)
    nest = axes.each_sample(axes.each_net((*body, store)))
    for n in reversed(stay):
        nest = (For(axis(n), x.shape[n], nest),)
    return nest


def pick(step: Pick, axes: Axes, names: Names) -> Nest:
    """The number of the class by comparing every class: no lane reads at a place of its own."""
    x, index = (names.root(t) for t in step.inputs)
    each: Nest = (
        Load("x", names.buffer(x), axes.index(x, "k")),
        Number("n", "k"),
        Compute(("y",), (where(equal(X0, X1), X2, 0),), ("i", "n", "x")),
    )
    body: Nest = (
        Load("i", names.buffer(index), axes.index(index, 0)),
        Fold("k", x.size, each, (Accumulator("s", ("y",)),)),
        Store(names.buffer(step.output), axes.index(step.output, 0), "s"),
    )
    return axes.each_sample(axes.each_net(body))


def put(step: Put, axes: Axes, names: Names) -> Nest:
    value, index = (names.root(t) for t in step.inputs)
    body: Nest = (
        Load("v", names.buffer(value), axes.index(value, 0)),
        Load("i", names.buffer(index), axes.index(index, 0)),
        Number("n", "k"),
        Compute(("y",), (where(equal(X0, X1), X2, 0),), ("i", "n", "v")),
        Store(names.buffer(step.output), axes.index(step.output, "k"), "y"),
    )
    return (For("k", step.output.size, axes.each_sample(axes.each_net(body))),)


def argmax(step: ArgMax, axes: Axes, names: Names) -> Nest:
    """The largest number, then the first place of it; the first that is not a number, if any is not."""
    x = names.root(step.inputs[0])
    load = Load("x", names.buffer(x), axes.index(x, "k"))
    found = equal(X0, X1) | ~equal(X0, X0)
    body: Nest = (
        Fold("k", x.size, (load,), (Accumulator("m", ("x",), "max"),)),
        Fold(
            "k",
            x.size,
            (load, Number("n", "k"), Compute(("y",), (where(found, -X2, -inf),), ("x", "m", "n"))),
            (Accumulator("s", ("y",), "max"),),
        ),
        Compute(("r",), (-X0,), ("s",)),
        Store(names.buffer(step.output), axes.index(step.output, 0), "r"),
    )
    return axes.each_sample(axes.each_net(body))


def slice_(step: Slice, axes: Axes, names: Names) -> Nest:
    x = names.root(step.inputs[0])
    return _copy(
        step.output.shape,
        (names.buffer(x, step.inputs[0].shape), x, step.axis, step.begin),
        (names.buffer(step.output, step.output.shape), step.output, step.axis, 0),
        axes,
    )


def place(step: Place, axes: Axes, names: Names) -> Nest:
    """Zeros where nothing is put, then what is put."""
    out = step.output
    target = names.buffer(out, out.shape)
    nest: Nest = ()
    for begin, end in _gaps(step):
        body: Nest = (
            Compute(("z",), (const(0.0),), ()),
            Store(target, axes.index(out, *_shifted(out.shape, step.axis, begin)), "z"),
        )
        nest += _loops(_with(out.shape, step.axis, end - begin), body, out, axes)
    for tensor, begin in zip(step.inputs, step.begins, strict=True):
        x = names.root(tensor)
        source = names.buffer(x, tensor.shape), x, step.axis, 0
        nest += _copy(tensor.shape, source, (target, out, step.axis, begin), axes)
    return nest


Part = tuple[Buffer, Tensor, int, int]  # a buffer, its tensor, an axis, and where on it to begin


def _copy(shape: Shape, source: Part, target: Part, axes: Axes) -> Nest:
    """Numbers of a shape from one place to another."""
    (read, x, axis_in, first), (written, out, axis_out, begin) = source, target
    body: Nest = (
        Load("x", read, axes.index(x, *_shifted(shape, axis_in, first))),
        Store(written, axes.index(out, *_shifted(shape, axis_out, begin)), "x"),
    )
    return _loops(shape, body, out, axes)


def _loops(shape: Shape, body: Nest, out: Tensor, axes: Axes) -> Nest:
    body = axes.each_net(body)
    return loops(shape, axes.each_sample(body) if out.batched else body)


def _shifted(shape: Shape, number: int, by: int) -> tuple[Spot, ...]:
    return tuple(at(axis(n), by if n == number else 0) for n in range(len(shape)))


def _with(shape: Shape, number: int, length: int) -> Shape:
    return (*shape[:number], length, *shape[number + 1 :])


def _gaps(step: Place) -> list[tuple[int, int]]:
    """What the inputs leave free on the axis."""
    ends = sorted((b, b + t.shape[step.axis]) for t, b in zip(step.inputs, step.begins, strict=True))
    found, reached = [], 0
    for begin, end in ends:
        if begin > reached:
            found.append((reached, begin))
        reached = end
    length = step.output.shape[step.axis]
    return [*found, (reached, length)] if reached < length else found


def random(step: Random, axes: Axes, names: Names) -> Nest:
    out = step.output
    buffer, sample = names.buffer(out), names.root(SAMPLES)
    state = names.buffer(COUNTER)
    nest: Nest = ()
    for begin, end, rows in row_blocks(out.size, 4):
        drawn = ("d0", "d1", "d2", "d3")
        group = at("k") if begin == 0 else begin // 4
        body: Nest = (
            Load("n", names.buffer(sample), axes.index(sample, 0)),
            Draw(drawn, state, step.node, "n", group, *axes.net),
            *(
                Store(buffer, axes.index(out, at("k", r, 4) if begin == 0 else begin + r), drawn[r])
                for r in range(rows)
            ),
        )
        inner = axes.each_sample(axes.each_net(body))
        nest += (For("k", (end - begin) // 4, inner),) if begin == 0 else inner
    return nest


WRITERS: Mapping[type[Step], Callable[[Any, Axes, Names], Nest]] = {
    Map: map_,
    Reduce: reduce,
    Pick: pick,
    Put: put,
    ArgMax: argmax,
    Slice: slice_,
    Place: place,
    Random: random,
}
