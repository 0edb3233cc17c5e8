"""A metric as mathematics: what is summed over the samples, and the number that follows from the sums."""

from collections.abc import Mapping
from types import MappingProxyType

from deltaplan.plugins.expressions import Expr, argument, arguments, lift
from deltaplan.plugins.expressions.algebra import Number
from deltaplan.plugins.faults import NestedTotal, OutsideTotal
from deltaplan.plugins.tracing import Traced

U, Y, M = (argument(name) for name in ("u", "y", "m"))
N = argument("n", scalar=True)
ARGUMENTS = ("u", "y", "m", "n", "total")


class Totals:
    """Stands for Σ over the samples while a metric's function is called."""

    def __init__(self) -> None:
        self.sums: dict[str, Expr] = {}

    def __call__(self, element: Number) -> Expr:
        name = f"s{len(self.sums) + 1}"
        self.sums[name] = lift(element)
        return argument(name)


def traced_metric(traced: Traced) -> tuple[Mapping[str, Expr], Expr]:
    """The sums of a metric's function by their names, and its result of these, of `m` and of `n`."""
    total = Totals()
    known = {"u": U, "y": Y, "m": M, "n": N, "total": total}
    names = [name for name in ARGUMENTS if traced.accepts(name)]
    traced.check_signature(keywords=names)
    result = traced.call(**{name: known[name] for name in names})
    if not isinstance(result, Expr):
        traced.nonsense(result)
    sums = total.sums
    for element in sums.values():
        if sums.keys() & arguments(element):
            traced.fail(NestedTotal)
        traced.check_arguments(element, {U, Y, M})
        traced.check_elementwise(element)
    for symbol in (U, Y):
        if symbol.name in arguments(result):
            traced.fail(OutsideTotal, argument=symbol.name)
    traced.check_arguments(result, {N, M, *(argument(name) for name in sums)})
    traced.check_indices(result)
    traced.check_scalar(result)
    return MappingProxyType(sums), result
