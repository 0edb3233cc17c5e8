"""Products of matrices with few vectors, [batch, features]."""

from functools import reduce
from operator import add

from deltaplan.compiler.loops.nest import (
    Accumulator,
    Compute,
    Fold,
    For,
    Load,
    MultiplyAdd,
    Place,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import MatMul
from deltaplan.plugins.expressions import argument

Nest = tuple[Statement, ...]
WAITING = 8  # sums that go on at once while the processor works on the first


def product(step: MatMul, axes: Axes, names: Names) -> Nest:
    """A matrix, or its transpose, times the vector of each sample."""
    return columns_product(step, axes, names) if step.transpose_a else rows_product(step, axes, names)


def rows_product(step: MatMul, axes: Axes, names: Names) -> Nest:
    """y[b, i] = Σ a[i, k] x[b, k] with k along the lanes: the sums of many rows are merged at once."""
    a, b = (names.root(t) for t in step.inputs)
    rows, inner = step.inputs[0].shape
    matrix, x, out = names.buffer(a, (rows, inner)), names.buffer(b), names.buffer(step.output)
    samples = range(axes.batch)
    nest: Nest = ()
    for begin, end, height in row_blocks(rows, _height(rows, axes)):
        loads = [Load(f"x{n}", x, (n, "k")) for n in samples]
        loads += [Load(f"w{r}", matrix, (at("i", r), "k")) for r in range(height)]
        places = [(n, r) for n in samples for r in range(height)]
        totals = tuple(Accumulator(f"s{n}_{r}", (f"w{r}", f"x{n}")) for n, r in places)
        stores = [Store(out, (n, at("i", r)), f"s{n}_{r}") for n, r in places]
        body: Nest = (Fold("k", inner, tuple(loads), totals, "lanes"), *stores)
        nest += (For("i", end, body, step=height, begin=begin),)
    return nest


def _height(rows: int, axes: Axes) -> int:
    """Rows at once: as many as there are registers for sums, and lanes for them to be merged into."""
    most = min(rows, _registers(axes) // axes.batch, max(axes.machine.lanes, WAITING))
    return -(-rows // -(-rows // most))


def _registers(axes: Axes) -> int:
    """Vectors that are summed up at once, with some left for what is summed."""
    return 24 if axes.machine.registers >= 32 else 10


def columns_product(step: MatMul, axes: Axes, names: Names) -> Nest:
    """y[b, i] = Σ a[k, i] x[b, k] with i along the lanes."""
    columns, lanes = step.inputs[0].shape[1], axes.machine.lanes
    most = _registers(axes) // axes.batch
    vectors = max(v for v in (1, 2, 4) if v == 1 or v <= min(most, columns // lanes))
    whole = columns // (vectors * lanes) * vectors * lanes
    nest: Nest = ()
    for begin, end, count in ((0, whole, vectors), (whole, columns, 1)):
        if begin < end:
            body = _columns(step, axes, names, max(1, -(-WAITING // (count * axes.batch))))
            nest += (For("i", end, body, "lanes", step=count, begin=begin),)
    return nest


def _columns(step: MatMul, axes: Axes, names: Names, parts: int) -> Nest:
    """Vectors of columns of the output. Each sum is made of `parts`, so that no addition waits for the one
    before."""
    a, b = (names.root(t) for t in step.inputs)
    inner, columns = step.inputs[0].shape
    matrix, x, out = names.buffer(a, (inner, columns)), names.buffer(b), names.buffer(step.output)
    samples = range(axes.batch)

    def loads(part: int, place: Place) -> list[Statement]:
        return [
            Load(f"w{part}", matrix, (place, "i")),
            *(Load(f"x{n}_{part}", x, (n, place)) for n in samples),
        ]

    parts = min(parts, inner)
    whole = inner // parts
    turn = [s for part in range(parts) for s in loads(part, at("k", part, parts))]
    totals = [
        Accumulator(f"s{n}_{part}", (f"w{part}", f"x{n}_{part}")) for n in samples for part in range(parts)
    ]
    body: list[Statement] = [Fold("k", whole, tuple(turn), tuple(totals))]
    for part in range(inner - whole * parts):
        body += loads(parts + part, whole * parts + part)
        body += [
            MultiplyAdd(f"r{n}_{part}", f"s{n}_{part}", f"w{parts + part}", f"x{n}_{parts + part}")
            for n in samples
        ]
    for n in samples:
        own = [f"{'r' if part < inner - whole * parts else 's'}{n}_{part}" for part in range(parts)]
        body += [_added(f"y{n}", own), Store(out, (n, "i"), f"y{n}")]
    return tuple(body)


def _added(name: str, parts: list[str]) -> Compute:
    return Compute((name,), (reduce(add, (argument(f"x{i}") for i in range(len(parts)))),), tuple(parts))


def outer_product(step: MatMul, axes: Axes, names: Names) -> Nest:
    """dW[i, k] = Σ dv[b, i] z[b, k] with k along the lanes."""
    a, b = (names.root(t) for t in step.inputs)
    rows, columns, lanes = a.size, b.size, axes.machine.lanes
    right = names.buffer(b)
    most = min(columns // lanes, 16 // axes.batch)
    vectors = max(v for v in (1, 2, 4) if v == 1 or v <= most)
    whole = columns // (vectors * lanes) * vectors * lanes
    nest: Nest = ()
    for begin, end, count in ((0, whole, vectors), (whole, columns, 1)):
        if begin < end:
            body: Nest = tuple(Load(f"z{n}", right, (n, "k")) for n in range(axes.batch))
            for first, last, height in row_blocks(rows, 4):
                body += (For("i", last, _outer_rows(step, axes, names, height), step=height, begin=first),)
            nest += (For("k", end, body, "lanes", step=count, begin=begin),)
    return nest


def _outer_rows(step: MatMul, axes: Axes, names: Names, height: int) -> Nest:
    a, b = (names.root(t) for t in step.inputs)
    left, out = names.buffer(a), names.buffer(step.output, (a.size, b.size))
    body: list[Statement] = []
    for r in range(height):
        before = None
        for n in range(axes.batch):
            name = f"y{r}_{n}"
            body.append(Load(f"d{r}_{n}", left, (n, at("i", r))))
            body.append(MultiplyAdd(name, before, f"d{r}_{n}", f"z{n}"))
            before = name
        body.append(Store(out, (at("i", r), "k"), f"y{r}_{axes.batch - 1}"))
    return tuple(body)
