"""Kernels that are read: plain loops over one sample, a row at a time, sums added to what is there.

Nothing is unrolled, and nothing is told about vectors; this is what C is written from.
"""

from collections.abc import Callable, Mapping
from typing import Any

from deltaplan.compiler.loops.groups import Group, is_product
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Compute,
    Draw,
    Fold,
    For,
    Load,
    MultiplyAdd,
    Place,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.schedule import (
    NoScheduleError,
    flat,
    moves,
    plain_convolve,
    plain_sparse,
    plain_windows,
    rows,
    wide,
)
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.elementwise import axis
from deltaplan.compiler.loops.schedule.signature import COUNTER, SAMPLES, Names
from deltaplan.compiler.steps import (
    ArgMax,
    Conv,
    Map,
    MatMul,
    Pool,
    Put,
    Random,
    Reduce,
    Shape,
    Sparse,
    Step,
    Tensor,
    Unpool,
)
from deltaplan.plugins.expressions import argument, maximum

Nest = tuple[Statement, ...]
X0, X1 = argument("x0"), argument("x1")


def statements(group: Group, axes: Axes, names: Names) -> Nest:
    """The loops of a group. NoScheduleError for a step without any."""
    first = group.steps[0]
    if group.kind == "samples" and (is_product(first) or (isinstance(first, Map) and rows.is_rowwise(first))):
        return rows.one_by_one(group, axes, names)
    whole = GROUPS.get(type(first))
    if whole is not None:
        return whole(group, axes, names)
    if len(group.steps) > 1:
        return flat.statements(group, axes, names)
    writer = WRITERS.get((type(first), group.kind)) or WRITERS.get((type(first), "samples"))
    if writer is None:
        raise NoScheduleError(type(first).__name__)
    return writer(first, axes, names)


def reduce(step: Reduce, axes: Axes, names: Names) -> Nest:
    """Loops over the axes that stay around loops over those that go; over the samples, added to what is
    there."""
    (x,) = step.inputs
    places: list[Place] = [axis(n) if length > 1 else 0 for n, length in enumerate(x.shape)]
    stay = [n for n in range(len(x.shape)) if n not in step.axes]
    shape = tuple(x.shape[n] for n in stay)
    out = names.buffer(step.output, shape), axes.index(step.output, *(places[n] for n in stay))
    body: Nest = (Load("x", names.buffer(x, x.shape), axes.index(names.root(x), *places)),)
    gone = [n for n in step.axes if x.shape[n] > 1]
    body, taken = _folded(body, x.shape, gone, step.kind)
    if step.batch:
        body = (Load("before", *out), *body, *_added(out, taken, step.kind))
    else:
        body = (*body, Store(*out, taken))
    return _each(axes, x, [n for n in stay if x.shape[n] > 1], x.shape, body)


def _folded(body: Nest, shape: Shape, gone: list[int], kind: Any) -> tuple[Nest, str]:
    taken = "x"
    for n in reversed(gone):
        body = (Fold(axis(n), shape[n], body, (Accumulator(f"s{n}", (taken,), kind),)),)
        taken = f"s{n}"
    return body, taken


def _added(out: tuple[Any, Any], taken: str, kind: str) -> Nest:
    expression = X0 + X1 if kind == "sum" else maximum(X0, X1)
    return Compute(("after",), (expression,), ("before", taken)), Store(*out, "after")


def _each(axes: Axes, x: Tensor, over: list[int], shape: Shape, body: Nest) -> Nest:
    nest: Nest = (For(SAMPLE, axes.batch, body),) if x.batched else body
    for n in reversed(over):
        nest = (For(axis(n), shape[n], nest),)
    return nest


def outer(step: MatMul, axes: Axes, names: Names) -> Nest:
    """out[i, k] += a[i] · b[k]"""
    if step.transpose_a or not step.transpose_b:
        raise NoScheduleError("a product of two tensors with samples")
    a, b = (names.root(t) for t in step.inputs)
    out = names.buffer(step.output, (a.size, b.size)), axes.index(step.output, "i", "k")
    body: Nest = (
        Load("before", *out),
        Load("u", names.buffer(a), axes.index(a, "i")),
        Load("w", names.buffer(b), axes.index(b, "k")),
        MultiplyAdd("after", "before", "u", "w"),
        Store(*out, "after"),
    )
    return (For("i", a.size, (For("k", b.size, (For(SAMPLE, axes.batch, body),)),)),)


def random(step: Random, axes: Axes, names: Names) -> Nest:
    """Four numbers at a time, then those that are left."""
    out, sample = step.output, names.root(SAMPLES)
    buffer, state = names.buffer(out), names.buffer(COUNTER)
    read = Load("n", names.buffer(sample), axes.index(sample, 0))

    def drawn(group: Place, first: Callable[[int], Place], count: int) -> Nest:
        local = ("d0", "d1", "d2", "d3")
        stores = (Store(buffer, axes.index(out, first(r)), local[r]) for r in range(count))
        return (For(SAMPLE, axes.batch, (read, Draw(local, state, step.node, "n", group), *stores)),)

    groups, rest = divmod(out.size, 4)
    whole = For("k", groups, drawn("k", lambda r: at("k", r, 4), 4))
    left = drawn(groups, lambda r: 4 * groups + r, rest) if rest else ()
    return (*([whole] if groups else []), *left)


def argmax(step: ArgMax, axes: Axes, names: Names) -> Nest:
    if step.window:
        return plain_windows.argmax(step, step.window, axes, names)
    return wide.argmax(step, axes, names)


def put(step: Put, axes: Axes, names: Names) -> Nest:
    """A window tells nothing that the index does not."""
    return moves.put(step, axes, names)


GROUPS: Mapping[type[Step], Callable[[Group, Axes, Names], Nest]] = {  # with the maps that follow
    Conv: plain_convolve.statements,
    Pool: plain_windows.pool,
    Sparse: plain_sparse.statements,
}
Writer = Callable[[Any, Axes, Names], Nest]
WRITERS: Mapping[tuple[type[Step], str], Writer] = {
    **{(kind, "samples"): writer for kind, writer in wide.WRITERS.items()},
    (Reduce, "samples"): reduce,
    (Random, "samples"): random,
    (Unpool, "samples"): plain_windows.unpool,
    (ArgMax, "samples"): argmax,
    (Put, "samples"): put,
    (MatMul, "flat"): flat.matmul,
    (MatMul, "sums"): outer,
}
