"""Kernels for what has no batch: penalties, their gradients, the update of θ, single numbers."""

from collections.abc import Callable, Mapping
from typing import Any

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Accumulator, Fold, For, Load, Statement, Store
from deltaplan.compiler.loops.schedule import wide
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import map_nest
from deltaplan.compiler.loops.schedule.reductions import reduce_nest
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.vectors import vector_pass
from deltaplan.compiler.steps import Map, MatMul, Place, Reduce, Slice


def statements(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    if len(group.steps) > 1:
        return vector_pass(group, axes, names)
    (step,) = group.steps
    return WRITERS[type(step)](step, axes, names)


def map_(step: Map, axes: Axes, names: Names) -> tuple[Statement, ...]:
    return map_nest(step, axes, names, "")


def matmul(step: MatMul, axes: Axes, names: Names) -> tuple[Statement, ...]:
    a, b = step.inputs
    rows, inner = reversed(a.shape) if step.transpose_a else a.shape
    wide = b.shape if len(b.shape) > 1 else (*b.shape, 1)
    columns = wide[0] if step.transpose_b else wide[1]
    at_a, at_b = (
        ("k", "i") if step.transpose_a else ("i", "k"),
        ("j", "k") if step.transpose_b else ("k", "j"),
    )
    body: tuple[Statement, ...] = (
        Load("u", names.buffer(a, a.shape), axes.index(names.root(a), *at_a)),
        Load("w", names.buffer(b, wide), axes.index(names.root(b), *at_b)),
    )
    fold = Fold("k", inner, body, (Accumulator("s", ("u", "w")),))
    out = names.buffer(step.output, (rows, columns))
    nest: tuple[Statement, ...] = (fold, Store(out, axes.index(step.output, "i", "j"), "s"))
    return axes.each_net((For("i", rows, (For("j", columns, nest),)),))


WRITERS: Mapping[type[Any], Callable[[Any, Axes, Names], tuple[Statement, ...]]] = {
    Map: map_,
    Reduce: reduce_nest,
    MatMul: matmul,
    Slice: wide.slice_,
    Place: wide.place,
}
