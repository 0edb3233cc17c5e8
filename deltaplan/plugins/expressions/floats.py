"""Each operation on plain floats, with IEEE's results and no exceptions: 1/0 = inf, log(-1) = nan.

NaN goes through max and min. Conditions are 1.0 and 0.0.
"""

import math
from collections.abc import Callable, Sequence

from deltaplan.plugins.expressions.ops import Op

INF, NAN = math.inf, math.nan


def divide(a: float, b: float) -> float:
    if b != 0:
        return a / b
    return NAN if a == 0 or a != a else math.copysign(INF, a) * math.copysign(1.0, b)


def power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -INF if a < 0 and _is_odd(b) else INF
    except ValueError:
        if a != 0:
            return NAN
        return math.copysign(INF, a) if _is_odd(b) else INF


def _is_odd(b: float) -> bool:
    return math.isfinite(b) and b % 2 == 1


def exp(u: float) -> float:
    try:
        return math.exp(u)
    except OverflowError:
        return INF


def expm1(u: float) -> float:
    try:
        return math.expm1(u)
    except OverflowError:
        return INF


def log(u: float) -> float:
    if u > 0:
        return math.log(u)
    return -INF if u == 0 else NAN


def log1p(u: float) -> float:
    if u > -1:
        return math.log1p(u)
    return -INF if u == -1 else NAN


def sqrt(u: float) -> float:
    return math.sqrt(u) if u >= 0 else NAN


def sin(u: float) -> float:
    return math.sin(u) if math.isfinite(u) else NAN


def cos(u: float) -> float:
    return math.cos(u) if math.isfinite(u) else NAN


def sigmoid(u: float) -> float:
    """1/(1 + e⁻ᵘ) without overflow."""
    e = math.exp(-abs(u))
    return 1 / (1 + e) if u >= 0 else e / (1 + e)


def logaddexp(a: float, b: float) -> float:
    """log(eᵃ + eᵇ) = max + log1p(exp(−|a − b|))."""
    if a == b:
        return a + math.log(2)
    return maximum(a, b) + math.log1p(math.exp(-abs(a - b)))


def sign(u: float) -> float:
    if u != u:
        return NAN
    return float((u > 0) - (u < 0))


def maximum(a: float, b: float) -> float:
    return a if a > b or a != a else b


def minimum(a: float, b: float) -> float:
    return a if a < b or a != a else b


FLOATS: dict[Op, Callable[..., float]] = {
    Op.NEG: lambda u: -u,
    Op.ADD: lambda a, b: a + b,
    Op.SUB: lambda a, b: a - b,
    Op.MUL: lambda a, b: a * b,
    Op.DIV: divide,
    Op.POW: power,
    Op.EXP: exp,
    Op.EXPM1: expm1,
    Op.LOG: log,
    Op.LOG1P: log1p,
    Op.SQRT: sqrt,
    Op.SIN: sin,
    Op.COS: cos,
    Op.TANH: math.tanh,
    Op.SIGMOID: sigmoid,
    Op.LOGADDEXP: logaddexp,
    Op.ERF: math.erf,
    Op.ABS: abs,
    Op.SIGN: sign,
    Op.MAX: maximum,
    Op.MIN: minimum,
    Op.GT: lambda a, b: float(a > b),
    Op.GE: lambda a, b: float(a >= b),
    Op.EQ: lambda a, b: float(a == b),
    Op.NOT: lambda c: float(c == 0),
    Op.AND: lambda c, d: float(c != 0 and d != 0),
    Op.OR: lambda c, d: float(c != 0 or d != 0),
    Op.WHERE: lambda c, a, b: a if c != 0 else b,
}


def largest(u: Sequence[float]) -> float:
    found = -INF
    for x in u:
        found = maximum(found, x)
    return found


def mean(u: Sequence[float]) -> float:
    return divide(sum(u), len(u))


def logsumexp(u: Sequence[float]) -> float:
    """m + log Σ exp(uᵢ − m) with m the largest; −∞ where all are −∞."""
    m = largest(u)
    if not math.isfinite(m):
        return m
    return m + math.log(sum(math.exp(x - m) for x in u))


def pick(u: Sequence[float], index: float) -> float:
    inside = 0 <= index < len(u)  # false for NaN
    return u[int(index)] if inside else NAN


def norm(u: Sequence[float]) -> float:
    """√Σ u²: the largest singular value of a matrix of one row."""
    return math.sqrt(sum(x * x for x in u))


VECTORS: dict[Op, Callable[..., float]] = {
    Op.SUM: lambda u: float(sum(u)),
    Op.MEAN: mean,
    Op.AMAX: largest,
    Op.LOGSUMEXP: logsumexp,
    Op.PICK: pick,
    Op.SPECTRAL: norm,
}
