"""Cuts an expression at its reductions: map, reduce, map, as the compiler lowers a loss."""

from collections.abc import Callable
from math import inf
from typing import Literal

from deltaplan.plugins.expressions.algebra import Expr, again, argument
from deltaplan.plugins.expressions.functions import abs, equal, exp, log, sqrt, where
from deltaplan.plugins.expressions.ops import REDUCTIONS, Op
from deltaplan.plugins.expressions.transform import walk
from deltaplan.records import dataclass

COUNT = "#n"  # the argument that stands for the number of elements; no writer's name begins with #

Kind = Literal["sum", "max", "pick", "spectral"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One reduction. `element` holds the arguments of the whole and the results of the stages before it.

    sum: Σ element. max: the largest element; its derivative goes to the first of the largest, or to none if
    `stop` is set. pick: the element at `index`, a scalar that counts from 0. spectral: the largest
    singular value of the elements as a matrix.
    """

    result: str
    kind: Kind
    element: Expr
    index: Expr | None = None
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The stages in their order, and the expression over their results, the arguments and COUNT.

    `result` is scalar, or elementwise if the expression that was cut was.
    """

    stages: tuple[Stage, ...]
    result: Expr


def split_reductions(expr: Expr) -> Cut:
    """Stages that hold no reduction inside, and what is left over their results."""
    stages: list[Stage] = []
    made: dict[Expr, Expr] = {}
    for old in walk(expr):
        args = tuple(made[a] for a in old.args)
        if old.op in REDUCTIONS:
            made[old] = REDUCE[old.op](stages, *args)
        else:
            made[old] = old if args == old.args else again(old, args)
    return Cut(tuple(stages), made[expr])


def _stage(
    stages: list[Stage],
    kind: Kind,
    element: Expr,
    index: Expr | None = None,
    stop: bool = False,
) -> Expr:
    stages.append(Stage(f"#{len(stages) + 1}", kind, element, index, stop))
    return argument(stages[-1].result, scalar=True)


def _sum(stages: list[Stage], u: Expr) -> Expr:
    return u * argument(COUNT, scalar=True) if u.scalar else _stage(stages, "sum", u)


def _mean(stages: list[Stage], u: Expr) -> Expr:
    return u if u.scalar else _stage(stages, "sum", u) / argument(COUNT, scalar=True)


def _amax(stages: list[Stage], u: Expr) -> Expr:
    return u if u.scalar else _stage(stages, "max", u)


def _logsumexp(stages: list[Stage], u: Expr) -> Expr:
    """m + log Σ exp(u − m), m the largest with its derivative stopped (it cancels).

    Where m is −∞ the value is −∞, a choice, so the derivative is 0. An infinite m is not subtracted: ∞ − ∞ is
    NaN.
    """
    if u.scalar:
        return u + log(argument(COUNT, scalar=True))
    m = _stage(stages, "max", u, stop=True)
    shift = where(abs(m) < inf, m, 0)
    total = _stage(stages, "sum", exp(u - shift))
    return where(equal(m, -inf), -inf, shift + log(total))


def _pick(stages: list[Stage], u: Expr, index: Expr) -> Expr:
    return u if u.scalar else _stage(stages, "pick", u, index)


def _spectral(stages: list[Stage], u: Expr) -> Expr:
    return abs(u) * sqrt(argument(COUNT, scalar=True)) if u.scalar else _stage(stages, "spectral", u)


REDUCE: dict[Op, Callable[..., Expr]] = {
    Op.SUM: _sum,
    Op.MEAN: _mean,
    Op.AMAX: _amax,
    Op.LOGSUMEXP: _logsumexp,
    Op.PICK: _pick,
    Op.SPECTRAL: _spectral,
}
