"""Sound bounds of an expression over a box of its arguments, by interval arithmetic rounded outwards.

An infinite end means unbounded, the values themselves being finite reals: 0 times an unbounded one is 0.
Points where an operation is not defined (log of a negative number) are left out.
"""

import math
from collections.abc import Callable, Mapping
from math import inf

from deltaplan.plugins.expressions import floats
from deltaplan.plugins.expressions.algebra import Expr
from deltaplan.plugins.expressions.ops import Op
from deltaplan.plugins.expressions.transform import walk

Interval = tuple[float, float]
REALS: Interval = (-inf, inf)


def interval(expr: Expr, box: Mapping[str, Interval]) -> Interval:
    """Bounds (low, high) for all values of the arguments within `box`; of vectors, for each element."""
    found: dict[Expr, Interval] = {}
    for e in walk(expr):
        found[e] = _bounds(e, [found[a] for a in e.args], box)
    return found[expr]


def _bounds(e: Expr, operands: list[Interval], box: Mapping[str, Interval]) -> Interval:
    if e.op is Op.CONST:
        assert e.value is not None
        return REALS if math.isnan(e.value) else (e.value, e.value)
    if e.op is Op.ARG:
        return box[str(e.name)]
    if e.op is Op.MUL and e.args[0] is e.args[1]:
        return _power(operands[0], (2, 2))
    if e.op is Op.MUL and _is_sigmoid_pair(*e.args):
        return _sigmoid_slope(*operands[0])
    low, high = INTERVALS[e.op](*operands)
    return (-inf if math.isnan(low) else low, inf if math.isnan(high) else high)


def _below(value: float, steps: int = 1) -> float:
    for _ in range(steps):
        value = math.nextafter(value, -inf)
    return value


def _above(value: float, steps: int = 1) -> float:
    return -_below(-value, steps)


def _rising(f: Callable[[float], float], least: float = -inf, most: float = inf) -> Callable[..., Interval]:
    """A function that never falls, with values from `least` to `most`; `math` is right to two units."""

    def bounds(u: Interval) -> Interval:
        low, high = f(u[0]), f(u[1])
        low = low if _known(u[0]) else _below(low, 2)
        high = high if _known(u[1]) else _above(high, 2)
        return max(low, least), min(high, most)

    return bounds


def _known(x: float) -> bool:
    """Where the functions of the table have exact values."""
    return x == 0 or math.isinf(x)


def _neg(u: Interval) -> Interval:
    return -u[1], -u[0]


def _add(a: Interval, b: Interval) -> Interval:
    return _sum(a[0], b[0])[0], _sum(a[1], b[1])[1]


def _sub(a: Interval, b: Interval) -> Interval:
    return _add(a, _neg(b))


def _sum(a: float, b: float) -> Interval:
    """a + b, rounded down and up unless it is exact (Knuth's two-sum)."""
    s = a + b
    if math.isinf(s) or math.isnan(s):
        return (-inf, inf) if math.isnan(s) or not (math.isinf(a) or math.isinf(b)) else (s, s)
    t = s - a
    exact = (a - (s - t)) + (b - t) == 0
    return (s, s) if exact else (_below(s), _above(s))


def _product(a: float, b: float) -> Interval:
    if a == 0 or b == 0:
        return 0.0, 0.0
    return _rounded(a * b, lambda r: _equal(a, b, r))


def _quotient(a: float, b: float) -> Interval:
    if math.isinf(b):
        return (0.0, 0.0) if not math.isinf(a) else (-inf, inf)
    return _rounded(a / b, lambda r: _equal(r, b, a))


def _rounded(value: float, exact: Callable[[float], bool]) -> Interval:
    if math.isinf(value) or exact(value):
        return _overflowed(value) if math.isinf(value) else (value, value)
    return _below(value), _above(value)


def _overflowed(value: float) -> Interval:
    return (_below(value), value) if value > 0 else (value, _above(value))


def _equal(a: float, b: float, c: float) -> bool:
    """Whether a·b is c without any rounding, all being finite."""
    (p, q), (r, s), (t, u) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    return p * r * u == t * q * s


def _mul(a: Interval, b: Interval) -> Interval:
    return _hull([_product(x, y) for x in a for y in b])


def _div(a: Interval, b: Interval) -> Interval:
    if b[0] < 0 < b[1] or b == (0, 0):
        return REALS
    if b[0] == 0:
        return _beside_zero(a, b[1])
    if b[1] == 0:
        return _neg(_beside_zero(a, -b[0]))
    return _hull([_quotient(x, y) for x in a for y in b])


def _beside_zero(a: Interval, most: float) -> Interval:
    """a / (0, most]"""
    low = _quotient(a[0], most)[0] if a[0] >= 0 else -inf
    high = _quotient(a[1], most)[1] if a[1] <= 0 else inf
    return low, high


def _hull(parts: list[Interval]) -> Interval:
    return min(low for low, _ in parts), max(high for _, high in parts)


def _power(u: Interval, n: Interval) -> Interval:
    if n[0] == n[1] and n[0] == int(n[0] if math.isfinite(n[0]) else 0):
        return _integer_power(u, n[0])
    if u[0] < 0:
        return REALS if u[1] < 0 or n[0] != n[1] else _power((0.0, u[1]), n)
    return _hull([_one_power(x, m) for x in u for m in n])


def _integer_power(u: Interval, n: float) -> Interval:
    even = n % 2 == 0
    if n < 0 and u[0] < 0 < u[1]:
        return (0.0, inf) if even else REALS
    ends = _hull([_one_power(x, n) for x in u])
    if even and n > 0 and u[0] < 0 < u[1]:
        return 0.0, ends[1]
    if n < 0 and 0 in u and not even:
        return (ends[0], inf) if u[1] > 0 else (-inf, ends[1])
    return (max(ends[0], 0.0), ends[1]) if even else ends


def _one_power(x: float, n: float) -> Interval:
    value = abs(floats.power(x, n)) if x == 0 else floats.power(x, n)
    if abs(x) in (0, 1, inf) or n == 1:
        return value, value
    return _below(value, 2), _above(value, 2)


def _sine(u: Interval) -> Interval:
    return _wave(floats.sin, math.pi / 2, u)


def _cosine(u: Interval) -> Interval:
    return _wave(floats.cos, 0.0, u)


def _wave(f: Callable[[float], float], top: float, u: Interval) -> Interval:
    """A sine that has its maxima at top + 2πk. Far from 0, where k is not certain, the whole range."""
    if u[1] - u[0] >= 6.28 or max(map(abs, u)) > 1e6:
        return -1.0, 1.0
    ends = [f(u[0]), f(u[1])]
    high = 1.0 if _meets(u, top) else min(1.0, _above(max(ends), 2))
    low = -1.0 if _meets(u, top + math.pi) else max(-1.0, _below(min(ends), 2))
    return low, high


def _meets(u: Interval, point: float) -> bool:
    """Whether u holds point + 2πk, in doubt yes."""
    slack = 1e-9
    return math.floor((u[1] + slack - point) / math.tau) >= math.ceil((u[0] - slack - point) / math.tau)


def _is_sigmoid_pair(a: Expr, b: Expr) -> bool:
    return a.op is b.op is Op.SIGMOID and (b.args[0] is -a.args[0])


def _sigmoid_slope(low: float, high: float) -> Interval:
    """s(1 − s) for s from low to high: up to ¼ at ½."""
    ends = [max(0.0, _below(s * (1 - s), 2)) if 0 < s < 1 else 0.0 for s in (low, high)]
    tops = [_above(s * (1 - s), 2) for s in (low, high)]
    return min(ends), 0.25 if low <= 0.5 <= high else min(0.25, max(tops))


def _logaddexp(a: Interval, b: Interval) -> Interval:
    low, high = floats.logaddexp(a[0], b[0]), floats.logaddexp(a[1], b[1])
    return max(_below(low, 3), a[0], b[0]), _above(high, 3)


def _abs(u: Interval) -> Interval:
    least = 0.0 if u[0] <= 0 <= u[1] else min(map(abs, u))
    return least, max(map(abs, u))


def _gt(a: Interval, b: Interval) -> Interval:
    return float(a[0] > b[1]), float(a[1] > b[0])


def _ge(a: Interval, b: Interval) -> Interval:
    return float(a[0] >= b[1]), float(a[1] >= b[0])


def _eq(a: Interval, b: Interval) -> Interval:
    return float(a[0] == a[1] == b[0] == b[1]), float(a[0] <= b[1] and b[0] <= a[1])


def _where(c: Interval, a: Interval, b: Interval) -> Interval:
    if c[0] > 0 or c[1] < 0:
        return a
    return b if c == (0, 0) else _hull([a, b])


def _total(u: Interval) -> Interval:
    """Σ of one or more such elements."""
    return (u[0] if u[0] >= 0 else -inf), (u[1] if u[1] <= 0 else inf)


def _first(u: Interval, *_: Interval) -> Interval:
    return u


INTERVALS: dict[Op, Callable[..., Interval]] = {
    Op.CALL: lambda *_: REALS,
    Op.NEG: _neg,
    Op.ADD: _add,
    Op.SUB: _sub,
    Op.MUL: _mul,
    Op.DIV: _div,
    Op.POW: _power,
    Op.EXP: _rising(floats.exp, 0, inf),
    Op.EXPM1: _rising(floats.expm1, -1, inf),
    Op.LOG: _rising(lambda u: floats.log(max(u, 0.0))),
    Op.LOG1P: _rising(lambda u: floats.log1p(max(u, -1.0))),
    Op.SQRT: _rising(lambda u: floats.sqrt(max(u, 0.0)), 0, inf),
    Op.SIN: _sine,
    Op.COS: _cosine,
    Op.TANH: _rising(math.tanh, -1, 1),
    Op.SIGMOID: _rising(floats.sigmoid, 0, 1),
    Op.LOGADDEXP: _logaddexp,
    Op.ERF: _rising(math.erf, -1, 1),
    Op.ABS: _abs,
    Op.SIGN: lambda u: (floats.sign(u[0]), floats.sign(u[1])),
    Op.MAX: lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    Op.MIN: lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    Op.GT: _gt,
    Op.GE: _ge,
    Op.EQ: _eq,
    Op.NOT: lambda c: (1 - c[1], 1 - c[0]),
    Op.AND: lambda c, d: (min(c[0], d[0]), min(c[1], d[1])),
    Op.OR: lambda c, d: (max(c[0], d[0]), max(c[1], d[1])),
    Op.WHERE: _where,
    Op.SUM: _total,
    Op.MEAN: _first,
    Op.AMAX: _first,
    Op.LOGSUMEXP: lambda u: (u[0], inf),
    Op.PICK: _first,
    Op.SPECTRAL: lambda u: (_abs(u)[0], inf),
}
