"""Sums and maxima over axes of a tensor, over the samples, or over both."""

from collections.abc import Sequence
from itertools import groupby
from math import prod

from deltaplan.compiler.loops.nest import Accumulator, Fold, For, Load, Place, Statement, Store
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.elementwise import axis
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Reduce

Nest = tuple[Statement, ...]


def reduce_nest(step: Reduce, axes: Axes, names: Names) -> Nest:
    """Loops over what stays around loops over what goes. Along the last axis of memory they are lanes."""
    (x,) = step.inputs
    runs = _runs(x.shape, step.axes)
    view = tuple(length for length, _ in runs)
    stay = [n for n, (_, goes) in enumerate(runs) if not goes]
    places: list[Place] = [axis(n) for n in range(len(runs))]
    last = _last(x.batched, len(runs), axes)
    body: Nest = (Load("x", names.buffer(x, view), axes.index(names.root(x), *places)),)
    taken = "x"
    for variable, length in _folds(step, runs, axes):
        accumulator = Accumulator(f"s{variable}", (taken,), step.kind)
        body = (Fold(variable, length, body, (accumulator,), "lanes" if variable == last else "loop"),)
        taken = accumulator.name
    out = names.buffer(step.output, tuple(view[n] for n in stay))
    body = (*body, Store(out, axes.index(step.output, *(axis(n) for n in stay)), taken))
    if step.output.batched and not axes.by_features:
        body = axes.each_sample(body)
    for n in reversed(stay):
        body = (For(axis(n), view[n], body, "lanes" if axis(n) == last else "loop"),)
    if step.output.batched and axes.by_features:
        body = axes.each_sample(body)
    return axes.each_net(body)


def _folds(step: Reduce, runs: Sequence[tuple[int, bool]], axes: Axes) -> list[tuple[str, int]]:
    """What goes, the innermost loop first."""
    features = [(axis(n), length) for n, (length, goes) in reversed([*enumerate(runs)]) if goes]
    samples = [(SAMPLE, axes.batch)] if step.batch else []
    return [*features, *samples] if axes.by_features else [*samples, *features]


def _last(batched: bool, runs: int, axes: Axes) -> str | None:
    """The variable along the last axis of memory, whose loop is one of lanes; None where the nets are."""
    if axes.nets:
        return None
    if batched and not axes.by_features:
        return SAMPLE
    return axis(runs - 1) if runs else None


def _runs(shape: Sequence[int], gone: Sequence[int]) -> list[tuple[int, bool]]:
    """Neighbouring axes that go, or stay, as one: their length, and whether they go."""
    long = [(length, n in gone) for n, length in enumerate(shape) if length > 1]
    return [(prod(length for length, _ in run), goes) for goes, run in groupby(long, key=lambda a: a[1])]
