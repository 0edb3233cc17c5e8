"""Kernels that sum over the samples: gradients of weights and biases, and the loss."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Buffer,
    Fold,
    For,
    Load,
    Statement,
    Store,
    Transpose,
    at,
)
from deltaplan.compiler.loops.schedule import batch_sums, kernel_sums, sparse, sum_nests
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes, Machine
from deltaplan.compiler.loops.schedule.blocks import columns_at_once, rows_at_once
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Conv, MatMul, Reduce, Sparse, Step, Tensor

Term = tuple[Tensor, int, tuple[tuple[Tensor, int], ...], str]  # result, its place, factors' rows, sum or max


def statements(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    """Small sums written out, each in a register by itself, as many at a time as there are registers; a large
    one as loops."""
    (first, *more) = group.steps
    if not more and axes.nets and sum_nests.is_total(first, axes.batch):
        return sum_nests.nets_total_nest(first, axes, names)  # type: ignore[arg-type]
    if not is_small(first):
        return WRITERS[type(first)](first, axes, names)
    terms = [term for step in group.steps for term in _terms(step, names)]
    body: list[Statement] = []
    for chosen in _blocks(terms, axes):
        body += _block(chosen, axes, names, len(body))
    return axes.each_net(tuple(body))


def matmul(step: MatMul, axes: Axes, names: Names) -> tuple[Statement, ...]:
    write = sum_nests.nets_product_nest if axes.nets else product_nest
    return write(step, axes, names)


def reduce(step: Reduce, axes: Axes, names: Names) -> tuple[Statement, ...]:
    write = batch_sums.statements if over_features(step) else sum_nests.reduce_nest
    return write(step, axes, names)


def product_nest(step: MatMul, axes: Axes, names: Names) -> tuple[Statement, ...]:
    """dW[i, k] = Σ dv[i, b] z[k, b] as a product of matrices: z is transposed first, and k are the lanes."""
    a, b = step.inputs
    rows, columns = a.size, b.size
    scratch = Buffer("scratch", (axes.batch, columns))
    left, out = names.buffer(a), names.buffer(step.output, (rows, columns))
    vectors, block = _tile(rows, columns, axes.machine)
    body: tuple[Statement, ...] = (Transpose(names.buffer(b), scratch),)
    wide = vectors * axes.machine.lanes
    whole = columns // wide * wide
    for first, last, number in ((0, whole, vectors), (whole, columns, 1)):
        if last == first:
            continue
        height = block if number == vectors else min(rows, 2 * block * vectors // 3 or 1)
        inner: tuple[Statement, ...] = ()
        for begin, end, high in row_blocks(rows, height):
            inner += (For("j", end, _product_tile(left, scratch, out, axes, high), step=high, begin=begin),)
        body += _columns(inner, first, last, number)
    return body


def _columns(inner: tuple[Statement, ...], first: int, last: int, vectors: int) -> tuple[Statement, ...]:
    return (For("k", last, inner, "lanes", step=vectors, begin=first),)


def _product_tile(left: Buffer, right: Buffer, out: Buffer, axes: Axes, high: int) -> tuple[Statement, ...]:
    body: list[Statement] = [Load("z", right, (SAMPLE, "k"))]
    body += [Load(f"d{r}", left, (at("j", r), SAMPLE)) for r in range(high)]
    totals = tuple(Accumulator(f"s{r}", (f"d{r}", "z")) for r in range(high))
    most = axes.machine.turns(high)
    unroll = most if axes.batch % most == 0 else 1
    fold = Fold(SAMPLE, axes.batch, tuple(body), totals, unroll=unroll)
    return (fold, *(Store(out, (at("j", r), "k"), f"s{r}") for r in range(high)))


def _tile(rows: int, columns: int, machine: Machine) -> tuple[int, int]:
    """Vectors of columns and rows at once."""
    filled = columns // machine.lanes
    vectors = max((v for v in (1, 2, 4) if v <= filled), default=1)
    vectors = min(vectors, 4 if machine.registers >= 32 else 2)
    most = min(rows, machine.tile // vectors)
    return vectors, -(-rows // -(-rows // most))


def is_small(step: Step) -> bool:
    """Whether a sum is written out number by number."""
    match step:
        case MatMul():
            return _count(step) <= 128
        case Reduce():
            return _count(step) <= 32 and not over_features(step)
        case _:
            return False


def over_features(step: Step) -> bool:
    """Whether features and samples are summed over at once."""
    return isinstance(step, Reduce) and prod(step.inputs[0].shape[n] for n in step.axes) != 1


def _count(step: Step) -> int:
    return prod(step.output.shape)


def _blocks(terms: Sequence[Term], axes: Axes) -> list[Sequence[Term]]:
    """Runs of terms whose sums and rows fit into the registers together."""
    if axes.nets:
        return tiled(terms, axes.machine)
    if axes.machine.registers < 32:
        return _rectangles(terms)
    limit = axes.machine.sums
    found: list[list[Term]] = [[]]
    for term in terms:
        rows = {row for t in (*found[-1], term) for row in t[2]}
        if found[-1] and len(found[-1]) + 1 + min(len(rows), 6) > limit + 6:
            found.append([])
        found[-1].append(term)
    return list(found)


def tiled(terms: Sequence[Term], machine: Machine) -> list[Sequence[Term]]:
    """Terms in blocks of the rows of their first factor × those of the second, for which the fewest numbers
    are read; sums of one factor are a column of their own."""
    rows: dict[tuple[str, int], dict[tuple[str, int] | None, Term]] = {}
    for term in terms:
        (first, row), *second = term[2]
        column = (second[0][0].name, second[0][1]) if second else None
        rows.setdefault((first.name, row), {})[column] = term
    columns = sorted({c for row in rows.values() for c in row}, key=lambda c: c or ("", -1))
    wide = columns_at_once(len(rows), machine.registers, range(1, min(len(columns), 6) + 1))
    high = rows_at_once(len(rows), wide, machine.registers)
    found = []
    for begin in range(0, len(columns), wide):
        some = columns[begin : begin + wide]
        for top in range(0, len(rows), high):
            chosen = list(rows.values())[top : top + high]
            found.append([row[column] for row in chosen for column in some if column in row])
    return [block for block in found if block]


def _rectangles(terms: Sequence[Term]) -> list[Sequence[Term]]:
    """The same for samples as lanes and 16 registers: 12 sums at most, in the order of the results, so that
    neighbours come out in one vector."""
    rows = list(dict.fromkeys(map(_first, terms)))
    columns = list(dict.fromkeys(map(_others, terms)))
    wide = -(-len(columns) // -(-len(columns) // 6))
    high = 12 // wide
    row_at = {row: n for n, row in enumerate(rows)}
    column_at = {column: n for n, column in enumerate(columns)}
    blocks: dict[tuple[int, int], list[Term]] = {}
    for term in sorted(terms, key=lambda term: row_at[_first(term)] // high):
        blocks.setdefault((row_at[_first(term)] // high, column_at[_others(term)] // wide), []).append(term)
    return list(blocks.values())


def _first(term: Term) -> tuple[str, int]:
    tensor, row = term[2][0]
    return tensor.name, row


def _others(term: Term) -> tuple[tuple[str, int], ...]:
    return tuple((tensor.name, row) for tensor, row in term[2][1:])


def _block(terms: Sequence[Term], axes: Axes, names: Names, number: int) -> tuple[Statement, ...]:
    locals_: dict[tuple[str, int], str] = {}
    body: list[Statement] = []
    for _, _, factors, _ in terms:
        for tensor, row in factors:
            if (tensor.name, row) not in locals_:
                locals_[tensor.name, row] = name = f"r{number}_{len(locals_)}"
                body.append(Load(name, names.buffer(tensor), axes.index(tensor, row)))
    firsts = [f"f{number}_{i}" if axes.accumulate else None for i in range(len(terms))]
    accumulators = tuple(
        Accumulator(f"s{number}_{i}", tuple(locals_[t.name, row] for t, row in factors), kind, firsts[i])  # type: ignore[arg-type]
        for i, (_, _, factors, kind) in enumerate(terms)
    )
    before = tuple(
        Load(first, names.buffer(result), axes.index(result, place))
        for (result, place, _, _), first in zip(terms, firsts, strict=True)
        if first is not None
    )
    stores = tuple(
        Store(names.buffer(result), axes.index(result, place), accumulator.name)
        for (result, place, _, _), accumulator in zip(terms, accumulators, strict=True)
    )
    return (*before, *axes.over_samples(tuple(body), accumulators), *stores)


def _terms(step: Step, names: Names) -> list[Term]:
    match step:
        case MatMul(transpose_a=False, transpose_b=True):
            a, b = (names.root(t) for t in step.inputs)
            columns = step.inputs[1].size
            return [
                (step.output, i * columns + k, ((a, i), (b, k)), "sum")
                for i in range(step.inputs[0].size)
                for k in range(columns)
            ]
        case Reduce():
            (x,) = step.inputs
            return [(step.output, i, ((names.root(x), i),), step.kind) for i in range(x.size)]
        case _:
            raise NotImplementedError(f"{type(step).__name__} written out")


WRITERS: Mapping[type[Step], Callable[[Any, Axes, Names], tuple[Statement, ...]]] = {
    MatMul: matmul,
    Reduce: reduce,
    Conv: kernel_sums.statements,
    Sparse: sparse.statements,
}
