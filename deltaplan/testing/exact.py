"""The value of an expression to any number of digits, by the textbook's formulas; needs mpmath."""

from collections.abc import Callable, Mapping
from functools import cache
from math import isfinite
from typing import Any

from deltaplan.plugins.expressions import Expr, Op, walk

DIGITS = 60, 900  # the least and the most: e^1000 + e^-1000 differs from e^1000 in the 869th
LARGEST = 400  # a power with an exponent of more digits is not computed


class OutsideDomain(Exception):  # noqa: N818
    """There is no such real number, or none that can be written down."""


def is_there() -> bool:
    """Whether mpmath is installed."""
    try:
        _mp()
    except ImportError:
        return False
    return True


def exact(expr: Expr, name: str, at: float) -> float:
    """The real value at a float, rounded; infinite beyond the floats. A branch of `where` that is not taken
    need not exist."""
    mp = _mp()
    with mp.workdps(min(DIGITS[0] + int(min(abs(at), 1e3)), DIGITS[1])):
        found: dict[Expr, Any] = {}
        for e in walk(expr):
            found[e] = _value(mp, e, found, {name: mp.mpf(at)})
        if found[expr] is None:
            raise OutsideDomain
        return float(found[expr])


@cache
def _mp() -> Any:
    from mpmath import mp

    return mp.clone()  # its precision is ours alone


def _value(mp: Any, e: Expr, found: Mapping[Expr, Any], values: Mapping[str, Any]) -> Any:
    """None where it does not exist."""
    if e.op is Op.CONST:
        return mp.mpf(e.value) if e.value is not None and isfinite(e.value) else None
    if e.op is Op.ARG:
        return values[e.name or ""]
    operands = [found[a] for a in e.args]
    if e.op is Op.WHERE:
        return None if operands[0] is None else operands[1] if operands[0] else operands[2]
    if any(o is None for o in operands) or (e.op in STEEP and _is_too_large(mp, operands)):
        return None
    try:
        value = TEXTBOOK[e.op](mp, *operands)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    return value if isinstance(value, bool) or (mp.im(value) == 0 and mp.isfinite(value)) else None


def _is_too_large(mp: Any, operands: list[Any]) -> bool:
    return any(mp.mag(o) > LARGEST * 3.33 for o in operands if o)


STEEP = frozenset({Op.EXP, Op.EXPM1, Op.POW, Op.SIGMOID, Op.TANH, Op.LOGADDEXP, Op.SIN, Op.COS, Op.ERF})

TEXTBOOK: dict[Op, Callable[..., Any]] = {
    Op.NEG: lambda mp, u: -u,
    Op.ADD: lambda mp, a, b: a + b,
    Op.SUB: lambda mp, a, b: a - b,
    Op.MUL: lambda mp, a, b: a * b,
    Op.DIV: lambda mp, a, b: a / b,
    Op.POW: lambda mp, a, b: mp.power(a, b),
    Op.EXP: lambda mp, u: mp.exp(u),
    Op.EXPM1: lambda mp, u: mp.exp(u) - 1,
    Op.LOG: lambda mp, u: mp.log(u),
    Op.LOG1P: lambda mp, u: mp.log(1 + u),
    Op.SQRT: lambda mp, u: mp.sqrt(u),
    Op.SIN: lambda mp, u: mp.sin(u),
    Op.COS: lambda mp, u: mp.cos(u),
    Op.TANH: lambda mp, u: mp.tanh(u),
    Op.SIGMOID: lambda mp, u: 1 / (1 + mp.exp(-u)),
    Op.LOGADDEXP: lambda mp, a, b: mp.log(mp.exp(a) + mp.exp(b)),
    Op.ERF: lambda mp, u: mp.erf(u),
    Op.ABS: lambda mp, u: abs(u),
    Op.SIGN: lambda mp, u: mp.mpf((u > 0) - (u < 0)),
    Op.MAX: lambda mp, a, b: max(a, b),
    Op.MIN: lambda mp, a, b: min(a, b),
    Op.GT: lambda mp, a, b: bool(a > b),
    Op.GE: lambda mp, a, b: bool(a >= b),
    Op.EQ: lambda mp, a, b: bool(a == b),
    Op.NOT: lambda mp, c: not c,
    Op.AND: lambda mp, c, d: bool(c and d),
    Op.OR: lambda mp, c, d: bool(c or d),
}
