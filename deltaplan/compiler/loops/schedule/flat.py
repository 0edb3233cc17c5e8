"""Kernels for what has no batch: penalties, their gradients, the update of θ, single numbers."""

from collections.abc import Callable, Mapping
from typing import Any

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Accumulator, Fold, For, Load, Statement, Store
from deltaplan.compiler.loops.schedule import kernel_sums, wide
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import map_nest
from deltaplan.compiler.loops.schedule.reductions import reduce_nest
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.vectors import vector_pass
from deltaplan.compiler.steps import Conv, Map, MatMul, Reduce, matrix


def statements(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    if len(group.steps) > 1:
        return vector_pass(group, axes, names)
    (step,) = group.steps
    return WRITERS[type(step)](step, axes, names)


def map_(step: Map, axes: Axes, names: Names) -> tuple[Statement, ...]:
    return map_nest(step, axes, names, "")


def matmul(step: MatMul, axes: Axes, names: Names) -> tuple[Statement, ...]:
    a, b = step.inputs
    left, right = matrix(a, 1), matrix(b, 1)
    rows, inner = reversed(left) if step.transpose_a else left
    columns = right[0] if step.transpose_b else right[1]
    at_a, at_b = (
        ("k", "i") if step.transpose_a else ("i", "k"),
        ("j", "k") if step.transpose_b else ("k", "j"),
    )
    body: tuple[Statement, ...] = (
        Load("u", names.buffer(a, left), axes.index(names.root(a), *at_a)),
        Load("w", names.buffer(b, right), axes.index(names.root(b), *at_b)),
    )
    fold = Fold("k", inner, body, (Accumulator("s", ("u", "w")),))
    out = names.buffer(step.output, (rows, columns))
    nest: tuple[Statement, ...] = (fold, Store(out, axes.index(step.output, "i", "j"), "s"))
    return axes.each_net((For("i", rows, (For("j", columns, nest),)),))


def conv(step: Conv, axes: Axes, names: Names) -> tuple[Statement, ...]:
    write = kernel_sums.statements if step.slot == "w" else wide.conv
    return write(step, axes, names)


WRITERS: Mapping[type[Any], Callable[[Any, Axes, Names], tuple[Statement, ...]]] = {
    **wide.WRITERS,
    Conv: conv,
    Map: map_,
    Reduce: reduce_nest,
    MatMul: matmul,
}
