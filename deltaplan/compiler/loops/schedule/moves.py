"""Numbers from one place to another: ranges, and places that are numbers themselves."""

from collections.abc import Sequence
from math import prod

from deltaplan.compiler.loops.nest import (
    Compute,
    For,
    Gather,
    Load,
    ScatterAdd,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.nest import (
    Place as At,
)
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import axis, loops
from deltaplan.compiler.loops.schedule.rest import Rest, leading
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Pick, Place, Put, Shape, Slice, Tensor
from deltaplan.plugins.expressions import const

Body = tuple[Statement, ...]
OUTER, ALONG = "i", "j"


def slice_(step: Slice, axes: Axes, names: Names) -> Body:
    (x,) = step.inputs
    rest = _behind(axes, names, (x, step.output), step.axis)
    first = at(ALONG, step.end - 1, -1) if step.reverse else at(ALONG, step.begin)
    return _copied(rest, step.axis, (x, first), (step.output, 0), step.end - step.begin)


def place(step: Place, axes: Axes, names: Names) -> Body:
    """Zeros where nothing is put, then what is put."""
    out = step.output
    rest = _behind(axes, names, (*step.inputs, out), step.axis)
    sides = leading(out, step.axis)
    body: Body = ()
    for begin, end in _gaps(step):
        zero = Compute(("z",), (const(0.0),), ()), rest.store("z", out, sides, (OUTER, at(ALONG, begin)))
        body += _each(sides[0], end - begin, rest.each(zero))
    for tensor, begin in zip(step.inputs, step.begins, strict=True):
        body += _copied(rest, step.axis, (tensor, ALONG), (out, begin), tensor.shape[step.axis])
    return body


def _behind(axes: Axes, names: Names, tensors: Sequence[Tensor], axis_: int) -> Rest:
    return Rest(axes, names, tensors, prod(tensors[-1].shape[axis_ + 1 :]))


def _copied(
    rest: Rest, axis_: int, source: tuple[Tensor, At], target: tuple[Tensor, int], length: int
) -> Body:
    """So many numbers on an axis from the places of one tensor to another, from `begin` on."""
    (x, place), (out, begin) = source, target
    read, written = leading(x, axis_), leading(out, axis_)
    body = (
        rest.load("x", x, read, (OUTER, place)),
        rest.store("x", out, written, (OUTER, at(ALONG, begin))),
    )
    return _each(written[0], length, rest.each(body))


def _each(outer: int, length: int, body: Body) -> Body:
    return (For(OUTER, outer, (For(ALONG, length, body),)),)


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


def pick(step: Pick, axes: Axes, names: Names) -> Body:
    """The number at the index, in each lane its own."""
    x, index = step.inputs
    root, shape = names.root(x), _merged(x.shape, step.axes)
    each = tuple(axis(n) for n in range(len(index.shape)))
    behind = each[len(each) - len(shape) + 1 :]
    body: Body = (
        Load("i", names.buffer(index, index.shape), axes.index(names.root(index), *each)),
        Gather("x", names.buffer(x, shape), axes.index(root, 0, *behind), axes.first(root), "i"),
        Store(names.buffer(step.output, step.output.shape), axes.index(step.output, *each), "x"),
    )
    return loops(index.shape, _lanes(body, step.output, axes))


def put(step: Put, axes: Axes, names: Names) -> Body:
    """Zeros, then each value added at its index."""
    value, index = step.inputs
    out, shape = step.output, _merged(step.output.shape, step.axes)
    buffer = names.buffer(out, shape)
    zero: Body = (
        Compute(("z",), (const(0.0),), ()),
        Store(buffer, axes.index(out, *(axis(n) for n in range(len(shape)))), "z"),
    )
    each = tuple(axis(n) for n in range(len(index.shape)))
    behind = each[len(each) - len(shape) + 1 :]
    added: Body = (
        Load("i", names.buffer(index, index.shape), axes.index(names.root(index), *each)),
        Load("x", names.buffer(value, value.shape), axes.index(names.root(value), *each)),
        ScatterAdd(buffer, axes.index(out, 0, *behind), axes.first(out), "i", "x"),
    )
    return (*loops(shape, _lanes(zero, out, axes)), *loops(index.shape, _lanes(added, out, axes)))


def _merged(shape: Shape, count: int) -> Shape:
    """The axes that an index counts through as one."""
    return prod(shape[:count]), *shape[count:]


def _lanes(body: Body, out: Tensor, axes: Axes) -> Body:
    body = axes.each_net(body)
    return axes.each_sample(body) if out.batched else body
