"""Kernels of single steps on samples with many numbers each."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import (
    Accumulator,
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
from deltaplan.compiler.loops.schedule import convolve, moves, pooling, rows, sparse
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import axis, map_nest, row_blocks
from deltaplan.compiler.loops.schedule.signature import COUNTER, SAMPLES, Names
from deltaplan.compiler.steps import (
    ArgMax,
    Conv,
    Map,
    MatMul,
    Pick,
    Place,
    Pool,
    Put,
    Random,
    Reduce,
    Slice,
    Sparse,
    Step,
    Unpool,
)
from deltaplan.plugins.expressions import argument, equal, where

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
    return moves.pick(step, axes, names)


def put(step: Put, axes: Axes, names: Names) -> Nest:
    """By looking from each number through the window that the index was found in, if it was."""
    if step.window:
        return pooling.put(step, step.window, axes, names)
    return moves.put(step, axes, names)


def argmax(step: ArgMax, axes: Axes, names: Names) -> Nest:
    """The largest number, then the first place of it; the first that is not a number, if any is not."""
    if step.window:
        return pooling.argmax(step, step.window, axes, names)
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
    body = axes.each_net(body)
    return axes.each_sample(body) if step.output.batched else body


def random(step: Random, axes: Axes, names: Names) -> Nest:
    out = step.output
    buffer, sample = names.buffer(out), names.root(SAMPLES)
    state = names.buffer(COUNTER)
    nest: Nest = ()
    for begin, end, height in row_blocks(out.size, 4):
        drawn = ("d0", "d1", "d2", "d3")
        group = at("k") if begin == 0 else begin // 4
        body: Nest = (
            Load("n", names.buffer(sample), axes.index(sample, 0)),
            Draw(drawn, state, step.node, "n", group, *axes.net),
            *(
                Store(buffer, axes.index(out, at("k", r, 4) if begin == 0 else begin + r), drawn[r])
                for r in range(height)
            ),
        )
        inner = axes.each_sample(axes.each_net(body))
        nest += (For("k", (end - begin) // 4, inner),) if begin == 0 else inner
    return nest


def matmul(step: MatMul, axes: Axes, names: Names) -> Nest:
    return rows.statements(Group("samples", [step]), axes, names)


def conv(step: Conv, axes: Axes, names: Names) -> Nest:
    return convolve.statements(Group("samples", [step]), axes, names)


def window(step: Pool | Unpool, axes: Axes, names: Names) -> Nest:
    return pooling.statements(Group("samples", [step]), axes, names)


WRITERS: Mapping[type[Step], Callable[[Any, Axes, Names], Nest]] = {
    MatMul: matmul,
    Conv: conv,
    Map: map_,
    Reduce: reduce,
    Pool: window,
    Unpool: window,
    Sparse: sparse.statements,
    Pick: pick,
    Put: put,
    ArgMax: argmax,
    Slice: moves.slice_,
    Place: moves.place,
    Random: random,
}
