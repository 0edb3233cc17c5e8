"""The value of an expression with mpmath, by textbook formulas: what the floats are measured against."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from mpmath import mp, mpf

from deltaplan.plugins.expressions import Expr, Op, walk

mp.dps = 60

TEXTBOOK: dict[Op, Callable[..., Any]] = {
    Op.NEG: lambda u: -u,
    Op.ADD: lambda a, b: a + b,
    Op.SUB: lambda a, b: a - b,
    Op.MUL: lambda a, b: a * b,
    Op.DIV: lambda a, b: a / b,
    Op.POW: mp.power,
    Op.EXP: mp.exp,
    Op.EXPM1: lambda u: mp.exp(u) - 1,
    Op.LOG: mp.log,
    Op.LOG1P: lambda u: mp.log(1 + u),
    Op.SQRT: mp.sqrt,
    Op.SIN: mp.sin,
    Op.COS: mp.cos,
    Op.TANH: mp.tanh,
    Op.SIGMOID: lambda u: 1 / (1 + mp.exp(-u)),
    Op.LOGADDEXP: lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
    Op.ERF: mp.erf,
    Op.ABS: abs,
    Op.SIGN: lambda u: mpf((u > 0) - (u < 0)),
    Op.MAX: max,
    Op.MIN: min,
    Op.GT: lambda a, b: a > b,
    Op.GE: lambda a, b: a >= b,
    Op.EQ: lambda a, b: a == b,
    Op.NOT: lambda c: not c,
    Op.AND: lambda c, d: c and d,
    Op.OR: lambda c, d: c or d,
}


class OutsideDomain(Exception):  # noqa: N818
    """The real value does not exist."""


def exact(expr: Expr, values: Mapping[str, Any]) -> Any:
    """The real value at 60 digits; a branch that is not taken need not exist."""
    found: dict[Expr, Any] = {}
    for e in walk(expr):
        found[e] = _value(e, found, values)
    if found[expr] is None:
        raise OutsideDomain
    return found[expr]


def _value(e: Expr, found: Mapping[Expr, Any], values: Mapping[str, Any]) -> Any:
    if e.op is Op.CONST:
        return mpf(e.value) if isfinite(e.value) else None
    if e.op is Op.ARG:
        return mpf(values[e.name])
    operands = [found[a] for a in e.args]
    if e.op is Op.WHERE:
        return None if operands[0] is None else operands[1] if operands[0] else operands[2]
    if any(v is None for v in operands):
        return None
    try:
        value = TEXTBOOK[e.op](*operands)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    return (
        value if isinstance(value, bool) or (mp.isfinite(value) and not isinstance(value, mp.mpc)) else None
    )
