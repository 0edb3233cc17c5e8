"""Sums over the samples for wide layers, as loops over blocks of rows."""

from collections.abc import Callable, Sequence

from deltaplan.compiler.loops.nest import (
    Accumulator,
    Compute,
    Fold,
    For,
    Load,
    Place,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import MatMul, Reduce, Step
from deltaplan.plugins.expressions import Expr, argument

Nest = tuple[Statement, ...]
PARTS = 4  # of a sum that is one number
ROWS = 16  # that are summed at once: their totals come out as one vector


def reduce_nest(step: Reduce, axes: Axes, names: Names) -> Nest:
    """Every row of a tensor over the samples."""
    x = names.root(step.inputs[0])
    source, target = names.buffer(x), names.buffer(step.output)

    def tile(begin: Callable[[int], Place], height: int) -> Nest:
        body = tuple(Load(f"x{r}", source, axes.index(x, begin(r))) for r in range(height))
        firsts = [f"f{r}" if axes.accumulate else None for r in range(height)]
        totals = tuple(Accumulator(f"s{r}", (f"x{r}",), step.kind, firsts[r]) for r in range(height))
        places = [axes.index(step.output, begin(r)) for r in range(height)]
        before = tuple(Load(f, target, p) for f, p in zip(firsts, places, strict=True) if f)
        stores = tuple(Store(target, p, f"s{r}") for r, p in enumerate(places))
        return axes.each_net((*before, *axes.over_samples(body, totals), *stores))

    return _row_loops(x.size, ROWS, tile)


def is_total(step: Step, batch: int) -> bool:
    """Whether a step sums up one number of each sample, of enough of them."""
    return isinstance(step, Reduce) and step.kind == "sum" and step.inputs[0].size == 1 and batch >= 2 * PARTS


def nets_total_nest(step: Reduce, axes: Axes, names: Names) -> Nest:
    """One number of each sample summed up, with nets as the lanes: in parts, so that no addition waits for
    the one before."""
    x = names.root(step.inputs[0])
    source, target = names.buffer(x), names.buffer(step.output)
    whole = axes.batch // PARTS

    def load(name: str, sample: Place) -> Load:
        places = axes.index(x, 0)
        return Load(name, source, tuple(sample if place == SAMPLE else place for place in places))

    names_ = [f"s{part}" for part in range(PARTS)]
    body = tuple(load(f"x{part}", at(SAMPLE, part, PARTS)) for part in range(PARTS))
    totals = tuple(Accumulator(name, (f"x{part}",)) for part, name in enumerate(names_))
    rest = [load(f"r{sample}", sample) for sample in range(whole * PARTS, axes.batch)]
    out = axes.index(step.output, 0)
    before = (Load("before", target, out),) if axes.accumulate else ()
    given = (*names_, *(r.name for r in rest), *(b.name for b in before))
    total = Compute(("y",), (added([argument(f"x{i}") for i in range(len(given))]),), given)
    return axes.each_net((*before, Fold(SAMPLE, whole, body, totals), *rest, total, Store(target, out, "y")))


def added(terms: Sequence[Expr]) -> Expr:
    """A sum by halves."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return added(terms[:half]) + added(terms[half:])


def nets_product_nest(step: MatMul, axes: Axes, names: Names) -> Nest:
    """dW[i, k] = Σ dv[i, b] z[k, b] with nets as the lanes: tiles of numbers that are summed at once."""
    a, b = (names.root(t) for t in step.inputs)
    left, right = names.buffer(a), names.buffer(b)
    out = names.buffer(step.output, (a.size, b.size))
    high, wide = (4, 6) if axes.machine.registers >= 32 else (2, 3)

    def rows(row: Callable[[int], Place], height: int) -> Nest:
        def columns(column: Callable[[int], Place], width: int) -> Nest:
            body = [Load(f"d{r}", left, axes.index(a, row(r))) for r in range(height)]
            body += [Load(f"z{c}", right, axes.index(b, column(c))) for c in range(width)]
            pairs = [(r, c) for r in range(height) for c in range(width)]
            totals = tuple(
                Accumulator(f"s{r}_{c}", (f"d{r}", f"z{c}"), first=f"f{r}_{c}" if axes.accumulate else None)
                for r, c in pairs
            )
            places = [axes.index(step.output, row(r), column(c)) for r, c in pairs]
            before: Nest = ()
            if axes.accumulate:
                before = tuple(Load(f"f{r}_{c}", out, p) for (r, c), p in zip(pairs, places, strict=True))
            stores = tuple(Store(out, p, f"s{r}_{c}") for (r, c), p in zip(pairs, places, strict=True))
            return axes.each_net((*before, *axes.over_samples(tuple(body), totals), *stores))

        return _row_loops(b.size, wide, columns, "k")

    return _row_loops(a.size, high, rows)


def _row_loops(
    count: int, block: int, tile: Callable[[Callable[[int], Place], int], Nest], variable: str = "j"
) -> Nest:
    """A tile for each block of rows, and a smaller one for the rest."""
    nest: Nest = ()
    for begin, end, height in row_blocks(count, min(block, count)):
        body = tile(lambda r: at(variable, r), height)
        nest += (For(variable, end, body, step=height, begin=begin),)
    return nest
