"""Maps as loops over the axes of their output, and reductions as loops over what they reduce."""

from collections.abc import Iterator, Sequence
from math import prod

from deltaplan.compiler.loops.nest import Compute, For, Load, Place, Statement, Store
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Map, Shape, Tensor

FLAT = "i"


def axis(number: int) -> str:
    """The variable of the loop over an axis of the sample's shape."""
    return f"i{number}"


def loops(shape: Shape, body: tuple[Statement, ...], first: int = 0) -> tuple[Statement, ...]:
    """The body for each place of a shape."""
    for number in reversed(range(len(shape))):
        body = (For(axis(first + number), shape[number], body),)
    return body


def map_nest(step: Map, axes: Axes, names: Names, prefix: str) -> tuple[Statement, ...]:
    """A map by itself. Axes along which no input is broadcast are one loop."""
    out = step.outputs[0]
    shape, views = merged(out.shape, [t.shape for t in step.inputs])
    body: list[Statement] = []
    inputs = []
    for number, (tensor, view) in enumerate(zip(step.inputs, views, strict=True)):
        name = f"{prefix}x{number}"
        places = places_in(view, shape)
        body.append(Load(name, names.buffer(tensor, view), axes.index(names.root(tensor), *places)))
        inputs.append(name)
    outputs = tuple(f"{prefix}y{number}" for number in range(len(step.outputs)))
    body.append(Compute(outputs, step.expressions, tuple(inputs)))
    for tensor, name in zip(step.outputs, outputs, strict=True):
        places = tuple(axis(n) for n in range(len(shape)))
        body.append(Store(names.buffer(tensor, shape), axes.index(tensor, *places), name))
    return around(out, shape, tuple(body), axes)


def around(out: Tensor, shape: Shape, body: tuple[Statement, ...], axes: Axes) -> tuple[Statement, ...]:
    """Loops over a shape, the samples and the nets; the innermost of them are lanes."""
    if axes.nets:
        body = axes.each_net(body)
        return loops(shape, axes.each_sample(body) if out.batched else body)
    if out.batched:
        return loops(shape, axes.each_sample(body))
    if not shape:
        return body
    last = len(shape) - 1
    return loops(shape[:-1], (For(axis(last), shape[-1], body, "lanes"),))


def merged(shape: Shape, inputs: Sequence[Shape]) -> tuple[Shape, list[Shape]]:
    """Neighbouring axes that every input has whole, or has not at all, as one: the shape, and each input's
    (1 where it is broadcast)."""
    padded = [(1,) * (len(shape) - len(s)) + tuple(s) for s in inputs]
    kept = [n for n in range(len(shape)) if shape[n] > 1]
    whole = [tuple(p[n] == shape[n] for p in padded) for n in kept]
    runs: list[list[int]] = []
    for position, n in enumerate(kept):
        if runs and whole[position] == whole[position - 1]:
            runs[-1].append(n)
        else:
            runs.append([n])
    lengths = tuple(prod(shape[n] for n in run) for run in runs)
    views = [tuple(prod(p[n] for n in run) for run in runs) for p in padded]
    return lengths, views


def places_in(view: Shape, shape: Shape) -> tuple[Place, ...]:
    """The place in an input for the loops over the output's shape: 0 where it is broadcast."""
    return tuple(
        0 if side == 1 and length > 1 else axis(n)
        for n, (side, length) in enumerate(zip(view, shape, strict=True))
    )


def row_blocks(count: int, block: int) -> Iterator[tuple[int, int, int]]:
    """`count` rows in blocks: (begin, end, rows at once) of the whole ones, then of the rest."""
    whole = count // block * block
    if whole:
        yield 0, whole, block
    if count > whole:
        yield whole, count, count - whole
