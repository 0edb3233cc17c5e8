"""Interval arithmetic on arrays: bounds of elementwise expressions for a whole tensor at once.

As `plugins.expressions.intervals` for single numbers: an infinite end means unbounded, values are finite
reals, so 0 times an unbounded one is 0. Results are widened by more than their round-off.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from deltaplan.plugins.expressions import Expr, Op, const, walk
from deltaplan.runtime.backends.numpy.expressions import Array

Box = tuple[Array, Array]  # low and high
INF = math.inf
ULPS = 8  # of the libraries' functions, with room to spare


def bounds(expr: Expr, arguments: Mapping[str, Box]) -> Box:
    """Low and high of the expression, each argument within its own: arrays that broadcast."""
    found: dict[Expr, Box] = {}
    with np.errstate(all="ignore"):
        for e in walk(expr):
            found[e] = _ordered(_bounds(e, [found[a] for a in e.args], arguments))
    return found[expr]


def longest(box: Box) -> float:
    """The norm of the longest vector in a box."""
    return float(np.linalg.norm(np.maximum(np.abs(box[0]), np.abs(box[1]))))


def widened(box: Box, ulps: int = ULPS) -> Box:
    """The box and the round-off of what it was computed from."""
    low, high = (np.asarray(end, np.float64) for end in box)
    return low - _slack(low, ulps), high + _slack(high, ulps)


def _slack(end: Array, ulps: int) -> Array:
    return np.where(np.isfinite(end), np.abs(end) * (ulps * 2.0**-52) + 5e-324, 0.0)


def _ordered(box: Box) -> Box:
    low, high = box
    return np.where(np.isnan(low), -INF, low), np.where(np.isnan(high), INF, high)


def _bounds(e: Expr, operands: list[Box], arguments: Mapping[str, Box]) -> Box:
    if e.op is Op.CONST:
        value = np.float64(e.value if e.value is not None else math.nan)
        return value, value  # type: ignore[return-value]
    if e.op is Op.ARG:
        return arguments[str(e.name)]
    if e.op is Op.MUL and e.args[0] is e.args[1]:
        return widened(_square(operands[0]))
    if e.op is Op.MUL and _is_sigmoid_pair(*e.args):
        return _sigmoid_slope(operands[0])
    if e.op is Op.POW:
        return widened(_power(operands[0], e.args[1]))
    if e.function is not None:  # nothing is known of it
        return np.full_like(operands[0][0], -INF), np.full_like(operands[0][0], INF)
    box = RULES[e.op](*operands)
    return box if e.op in EXACT else widened(box)


def _is_sigmoid_pair(a: Expr, b: Expr) -> bool:
    return a.op is b.op is Op.SIGMOID and b.args[0] is -a.args[0]


def _sigmoid_slope(s: Box) -> Box:
    """s(1 − s): up to ¼ at ½."""
    ends = s[0] * (1 - s[0]), s[1] * (1 - s[1])
    low, high = widened((np.minimum(*ends), np.maximum(*ends)), 32)
    return np.maximum(low, 0), np.where((s[0] <= 0.5) & (s[1] >= 0.5), 0.25, np.minimum(high, 0.25))


def _square(u: Box) -> Box:
    low, high = _abs(u)
    return low * low, high * high


def _power(u: Box, exponent: Expr) -> Box:
    n = exponent.value
    if n is None:
        return np.full_like(u[0], -INF), np.full_like(u[1], INF)
    if n == int(n) and n >= 0:
        if n % 2:
            return u[0] ** n, u[1] ** n
        low, high = _abs(u)
        return low**n, high**n
    if n == int(n):
        return _div((np.ones_like(u[0]), np.ones_like(u[0])), _power(u, const(-n)))
    ends = np.maximum(u[0], 0) ** n, np.maximum(u[1], 0) ** n
    return np.minimum(*ends), np.maximum(*ends)


def _products(a: Box, b: Box, function: Callable[[Array, Array], Any]) -> Box:
    found = [np.asarray(function(x, y)) for x in a for y in b]
    return np.minimum.reduce(found), np.maximum.reduce(found)


def _times(x: Array, y: Array) -> Array:
    product = x * y
    return np.where(np.isnan(product), 0.0, product)


def _mul(a: Box, b: Box) -> Box:
    return _products(np.broadcast_arrays(*a), np.broadcast_arrays(*b), _times)  # type: ignore[arg-type]


def _div(a: Box, b: Box) -> Box:
    low, high = _products(a, b, lambda x, y: np.where(np.isinf(x) & np.isinf(y), 0.0, x / y))
    unbounded = np.isinf(a[0]) | np.isinf(a[1])
    low, high = np.where(unbounded, np.minimum(low, 0), low), np.where(unbounded, np.maximum(high, 0), high)
    has_zero = (b[0] <= 0) & (b[1] >= 0)
    return np.where(has_zero, -INF, low), np.where(has_zero, INF, high)


def _rising(function: Callable[..., Any], least: float = -INF, most: float = INF) -> Callable[[Box], Box]:
    def rule(u: Box) -> Box:
        low, high = widened((function(u[0]), function(u[1])))
        return np.maximum(low, least), np.minimum(high, most)

    return rule


def _abs(u: Box) -> Box:
    ends = np.abs(u[0]), np.abs(u[1])
    return np.where((u[0] <= 0) & (u[1] >= 0), 0.0, np.minimum(*ends)), np.maximum(*ends)


def _wave(function: Callable[..., Any], top: float) -> Callable[[Box], Box]:
    """A sine with its maxima at top + 2πk."""

    def meets(u: Box, point: float) -> Any:
        return np.floor((u[1] + 1e-9 - point) / math.tau) >= np.ceil((u[0] - 1e-9 - point) / math.tau)

    def rule(u: Box) -> Box:
        far = ~(np.maximum(np.abs(u[0]), np.abs(u[1])) < 1e6)
        ends = function(u[0]), function(u[1])
        low, high = widened((np.minimum(*ends), np.maximum(*ends)))
        high = np.where(far | meets(u, top), 1.0, np.minimum(high, 1.0))
        return np.where(far | meets(u, top + math.pi), -1.0, np.maximum(low, -1.0)), high

    return rule


def _where(c: Box, a: Box, b: Box) -> Box:
    always, never = (c[0] > 0) | (c[1] < 0), (c[0] == 0) & (c[1] == 0)
    low, high = np.minimum(a[0], b[0]), np.maximum(a[1], b[1])
    return (
        np.where(always, a[0], np.where(never, b[0], low)),
        np.where(always, a[1], np.where(never, b[1], high)),
    )


def _sigmoid(u: Array) -> Array:
    e = np.exp(-np.abs(u))
    return np.asarray(np.where(u >= 0, 1 / (1 + e), e / (1 + e)))


def _number(condition: Any) -> Any:
    return np.asarray(condition, np.float64)


_erf = np.vectorize(math.erf, otypes=[np.float64])
EXACT = frozenset({Op.NEG, Op.ABS, Op.SIGN, Op.MAX, Op.MIN, Op.GT, Op.GE, Op.EQ, Op.NOT, Op.AND, Op.OR})
EXACT |= {Op.WHERE, Op.SIN, Op.COS, Op.TANH, Op.SIGMOID, Op.ERF, Op.EXP, Op.EXPM1, Op.SQRT}
RULES: Mapping[Op, Callable[..., Box]] = {
    Op.NEG: lambda u: (-u[1], -u[0]),
    Op.ADD: lambda a, b: (a[0] + b[0], a[1] + b[1]),
    Op.SUB: lambda a, b: (a[0] - b[1], a[1] - b[0]),
    Op.MUL: _mul,
    Op.DIV: _div,
    Op.EXP: _rising(np.exp, 0.0),
    Op.EXPM1: _rising(np.expm1, -1.0),
    Op.LOG: lambda u: (np.log(np.maximum(u[0], 0)), np.log(np.maximum(u[1], 0))),
    Op.LOG1P: lambda u: (np.log1p(np.maximum(u[0], -1)), np.log1p(np.maximum(u[1], -1))),
    Op.SQRT: _rising(lambda u: np.sqrt(np.maximum(u, 0)), 0.0),
    Op.SIN: _wave(np.sin, math.pi / 2),
    Op.COS: _wave(np.cos, 0.0),
    Op.TANH: _rising(np.tanh, -1.0, 1.0),
    Op.SIGMOID: _rising(_sigmoid, 0.0, 1.0),
    Op.LOGADDEXP: lambda a, b: (np.logaddexp(a[0], b[0]), np.logaddexp(a[1], b[1])),
    Op.ERF: _rising(_erf, -1.0, 1.0),
    Op.ABS: _abs,
    Op.SIGN: lambda u: (np.sign(u[0]), np.sign(u[1])),
    Op.MAX: lambda a, b: (np.maximum(a[0], b[0]), np.maximum(a[1], b[1])),
    Op.MIN: lambda a, b: (np.minimum(a[0], b[0]), np.minimum(a[1], b[1])),
    Op.GT: lambda a, b: (_number(a[0] > b[1]), _number(a[1] > b[0])),
    Op.GE: lambda a, b: (_number(a[0] >= b[1]), _number(a[1] >= b[0])),
    Op.EQ: lambda a, b: (_number((a[0] == b[1]) & (a[1] == b[0])), _number((a[0] <= b[1]) & (b[0] <= a[1]))),
    Op.NOT: lambda c: (1 - c[1], 1 - c[0]),
    Op.AND: lambda c, d: (np.minimum(c[0], d[0]), np.minimum(c[1], d[1])),
    Op.OR: lambda c, d: (np.maximum(c[0], d[0]), np.maximum(c[1], d[1])),
    Op.WHERE: _where,
}
