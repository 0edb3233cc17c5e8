"""Settings of an optimizer as scalar expressions: numbers, or schedules over the time of the run."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Literal

from deltaplan.compiler.nodes import Setting, Use
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import (
    Expr,
    Op,
    argument,
    const,
    logaddexp,
    maximum,
    replace,
    sqrt,
    substitute,
    walk,
)

# The time of a schedule: what has gone before the step at hand.
TIMES: Mapping[str, Expr] = {
    "epochs": argument("epoch", scalar=True),
    "steps": argument("t", scalar=True) - 1,
}


def settings(use: Use, unit: Literal["epochs", "steps"]) -> dict[str, Expr]:
    """Each parameter's value as an expression of `t` or `epoch`; a default where none is given."""
    values = {p.name: use.values.get(p.name, p.default) for p in use.contract.parameters}
    return {name: _expression(value, unit) for name, value in values.items()}


def _expression(value: Setting, unit: Literal["epochs", "steps"]) -> Expr:
    if isinstance(value, Use):
        return scheduled(value, unit)
    assert isinstance(value, int | float), "settings are numbers, booleans and schedules"
    return const(value)


def scheduled(use: Use, unit: Literal["epochs", "steps"]) -> Expr:
    """The value of a schedule over the time of a run that is counted in this unit."""
    contract = use.contract
    assert isinstance(contract, contracts.Schedule)
    lists = {name: value for name, value in use.values.items() if isinstance(value, tuple)}
    numbers = {name: _expression(value, unit) for name, value in use.values.items() if name not in lists}
    return substitute(_without_lists(contract.expression, lists), {**numbers, "t": TIMES[unit]})


def _without_lists(expression: Expr, lists: Mapping[str, Sequence[float]]) -> Expr:
    """Every reduction over a list written out."""
    made: dict[Expr, Expr] = {}
    for old in walk(expression):
        if old.op in WRITTEN_OUT:
            element = made[old.args[0]]
            count = max(map(len, lists.values()), default=1)
            terms = [substitute(element, {n: v[i] for n, v in lists.items()}) for i in range(count)]
            made[old] = WRITTEN_OUT[old.op](terms)
        else:
            made[old] = replace(old, {a: made[a] for a in old.args})
    return made[expression]


def _paired(function: Callable[[Expr, Expr], Expr]) -> Callable[[Sequence[Expr]], Expr]:
    """The terms put together two by two, so that the expression is not deep."""

    def all_of(terms: Sequence[Expr]) -> Expr:
        if len(terms) < 3:
            return reduce(function, terms)
        half = len(terms) // 2
        return function(all_of(terms[:half]), all_of(terms[half:]))

    return all_of


_sum = _paired(lambda a, b: a + b)

WRITTEN_OUT: Mapping[Op, Callable[[Sequence[Expr]], Expr]] = {
    Op.SUM: _sum,
    Op.MEAN: lambda terms: _sum(terms) / len(terms),
    Op.AMAX: _paired(maximum),
    Op.LOGSUMEXP: _paired(logaddexp),
    Op.SPECTRAL: lambda terms: sqrt(_sum([term * term for term in terms])),
}
