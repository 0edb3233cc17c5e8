"""How sums over the samples come to memory."""

from collections.abc import Iterable
from typing import Literal

from deltaplan.compiler.loops.nest import Compute, Load, Statement, Store
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.plugins.expressions import argument, maximum

X0, X1 = argument("x0"), argument("x1")
COMBINED = {"sum": X0 + X1, "max": maximum(X0, X1)}


def kept(axes: Axes, stores: Iterable[Store], kind: Literal["sum", "max"] = "sum") -> tuple[Statement, ...]:
    """Stores results, or what they make together with what is there."""
    if not axes.accumulate:
        return tuple(stores)
    return tuple(statement for store in stores for statement in _combined(store, kind))


def _combined(store: Store, kind: Literal["sum", "max"]) -> tuple[Statement, ...]:
    before, total = f"{store.name} before", f"{store.name} total"
    return (
        Load(before, store.buffer, store.index),
        Compute((total,), (COMBINED[kind],), (before, store.name)),
        Store(store.buffer, store.index, total),
    )
