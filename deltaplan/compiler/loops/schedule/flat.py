"""Kernels for what has no batch: penalties, their gradients, the update of θ, single numbers."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Accumulator, Fold, For, Load, Place, Statement, Store
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import axis, map_nest
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.schedule.vectors import vector_pass
from deltaplan.compiler.steps import Map, MatMul, Reduce


def statements(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    if len(group.steps) > 1:
        return vector_pass(group, axes, names)
    (step,) = group.steps
    return WRITERS[type(step)](step, axes, names)


def map_(step: Map, axes: Axes, names: Names) -> tuple[Statement, ...]:
    return map_nest(step, axes, names, "")


def reduce(step: Reduce, axes: Axes, names: Names) -> tuple[Statement, ...]:
    """Loops over the axes that stay around loops over those that go."""
    (x,) = step.inputs
    root = names.root(x)
    variables = [axis(n) for n in range(len(x.shape))]
    gone = [n for n in step.axes if x.shape[n] > 1]
    places: list[Place] = [v if x.shape[n] > 1 else 0 for n, v in enumerate(variables)]
    stay = [n for n in range(len(x.shape)) if n not in step.axes]
    load = Load("x", names.buffer(x, x.shape), axes.index(root, *places))
    target = tuple(variables[n] for n in stay)
    shape = tuple(x.shape[n] for n in stay)
    store = names.buffer(step.output, shape), axes.index(step.output, *target)
    body: tuple[Statement, ...]
    if not gone:
        body = (load, Store(*store, "x"))
    else:
        lanes = not axes.nets and len(gone) == 1 and gone[0] == len(x.shape) - 1
        body = (load,)
        taken, numbers = "x", count()
        for n in reversed(gone):
            total = f"s{next(numbers)}"
            accumulator = Accumulator(total, (taken,), step.kind)
            body = (Fold(variables[n], x.shape[n], body, (accumulator,), "lanes" if lanes else "loop"),)
            taken = total
        body = (*body, Store(*store, taken))
    for n in reversed(stay):
        body = (For(variables[n], x.shape[n], body),) if x.shape[n] > 1 else body
    if any(x.shape[n] == 1 for n in stay):
        raise NotImplementedError("an axis of length 1 that stays")
    return axes.each_net(body)


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
    Reduce: reduce,
    MatMul: matmul,
}
