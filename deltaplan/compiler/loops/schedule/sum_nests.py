"""Sums over the samples for wide layers, as loops over blocks of rows."""

from collections.abc import Callable

from deltaplan.compiler.loops.nest import Accumulator, For, Load, Place, Statement, Store, at
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import MatMul, Reduce

Nest = tuple[Statement, ...]
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
