"""Bounds of a function far out, where interval arithmetic meets 0·∞: u·sigmoid(−u) is 0 at ∞.

With t = |u| ≥ L ≥ 1 an expression is enclosed as Σ cₑ·tᵉ + r(t): real exponents e with an interval for each
coefficient, and |r(t)| ≤ C·tᵖ·e⁻ᵏᵗ with k > 0. All is rounded outwards.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import field
from math import inf, isfinite

from deltaplan.plugins.expressions.algebra import Expr
from deltaplan.plugins.expressions.intervals import INTERVALS, Interval, interval
from deltaplan.plugins.expressions.ops import Op
from deltaplan.plugins.expressions.transform import walk
from deltaplan.records import dataclass

UP, DOWN = 1 + 1e-13, 1 - 1e-13  # more than the round-off of the few steps between two uses
HIGHEST = 8  # of a power that is multiplied out


@dataclass(frozen=True, slots=True)
class Rest:
    """|r(t)| ≤ size · t^power · e^(−rate·t) for t ≥ start"""

    size: float
    power: float
    rate: float

    def most(self, start: float) -> float:
        """The largest that it can be."""
        t = max(start, self.power / self.rate)
        return self.size * float(t**self.power) * math.exp(-self.rate * t) * UP


@dataclass(frozen=True, slots=True)
class Tail:
    """Σ terms[e]·tᵉ + rest for t ≥ start."""

    start: float
    terms: Mapping[float, Interval] = field(default_factory=dict)
    rest: Rest | None = None

    @property
    def degree(self) -> float:
        return max(self.terms, default=-inf)

    def bounds(self) -> Interval:
        """Of all its values."""
        low = high = 0.0
        for e, c in self.terms.items():
            part = _mul(c, _power_range(self.start, e))
            low, high = _add((low, high), part)
        most = 0.0 if self.rest is None else self.rest.most(self.start)
        return _add((low, high), (-most, most))

    def leading(self) -> Interval:
        """Bounds of the value divided by t^degree."""
        d = self.degree
        rest = self.rest and Rest(self.rest.size, self.rest.power - d, self.rest.rate)
        return Tail(self.start, {e - d: c for e, c in self.terms.items()}, rest).bounds()


def tail_bounds(expr: Expr, name: str, start: float, side: int) -> Interval:
    """Bounds for side·u ≥ start, a number of 1 or more; infinite where nothing is known."""
    box = (start, inf) if side > 0 else (-inf, -start)
    found: dict[Expr, Tail | None] = {}
    for e in walk(expr):
        operands = [found[a] for a in e.args]
        tail = _tail(e, operands, start, side) if all(operands) else None
        found[e] = tail or _flat(interval(e, {name: box}), start)
    last = found[expr]
    return last.bounds() if last else (-inf, inf)


def _flat(bounds: Interval, start: float) -> Tail | None:
    return Tail(start, {0.0: bounds}) if all(map(isfinite, bounds)) else None


def _tail(e: Expr, operands: list[Tail | None], start: float, side: int) -> Tail | None:
    known = [t for t in operands if t is not None]
    try:
        match e.op:
            case Op.CONST:
                return None if e.value is None else _flat((e.value, e.value), start)
            case Op.ARG:
                return Tail(start, {1.0: (float(side), float(side))})
            case Op.POW:
                return _raised(known[0], e.args[1].value)
            case _:
                return _finite(TAILS[e.op](*known)) if e.op in TAILS else None
    except OverflowError:
        return None


def _finite(tail: Tail | None) -> Tail | None:
    if tail is None:
        return None
    numbers = [x for c in tail.terms.values() for x in c]
    if tail.rest is not None:
        numbers += [tail.rest.size, tail.rest.power, tail.rest.rate]
    return tail if all(map(isfinite, numbers)) else None


_add: Callable[..., Interval] = INTERVALS[Op.ADD]
_mul: Callable[..., Interval] = INTERVALS[Op.MUL]


def _power_range(start: float, e: float) -> Interval:
    """tᵉ for t ≥ start ≥ 1"""
    if e == 0:
        return 1.0, 1.0
    at = start**e
    return (at * DOWN, inf) if e > 0 else (0.0, at * UP)


def _neg(a: Tail) -> Tail:
    return Tail(a.start, {e: (-high, -low) for e, (low, high) in a.terms.items()}, a.rest)


def _plus(a: Tail, b: Tail) -> Tail:
    terms = dict(a.terms)
    for e, c in b.terms.items():
        terms[e] = _add(terms[e], c) if e in terms else c
    return Tail(a.start, terms, _rest_sum(a.start, a.rest, b.rest))


def _minus(a: Tail, b: Tail) -> Tail:
    return _plus(a, _neg(b))


def _rest_sum(start: float, *parts: Rest | None) -> Rest | None:
    known = [p for p in parts if p is not None]
    if not known:
        return None
    power, rate = max(p.power for p in known), min(p.rate for p in known)
    sizes = (
        p.size * start ** (p.power - power) * math.exp(-(p.rate - rate) * start) for p in known
    )  # falling beyond the start, so largest there
    return Rest(math.fsum(sizes) * UP, power, rate)


def _times(a: Tail, b: Tail) -> Tail:
    terms: dict[float, Interval] = {}
    for e, c in a.terms.items():
        for f, d in b.terms.items():
            product = _mul(c, d)
            terms[e + f] = _add(terms[e + f], product) if e + f in terms else product
    both = None
    if a.rest and b.rest:
        both = Rest(a.rest.size * b.rest.size * UP, a.rest.power + b.rest.power, a.rest.rate + b.rest.rate)
    return Tail(a.start, terms, _rest_sum(a.start, both, _spread(a, b.rest), _spread(b, a.rest)))


def _spread(a: Tail, rest: Rest | None) -> Rest | None:
    """The rest times the terms."""
    if rest is None or not a.terms:
        return None
    d = a.degree
    size = math.fsum(max(map(abs, c)) * a.start ** (e - d) for e, c in a.terms.items())
    return Rest(rest.size * size * UP, rest.power + d, rest.rate)


def _over(a: Tail, b: Tail) -> Tail | None:
    found = _inverted(b)
    return found and _times(a, found)


def _inverted(b: Tail) -> Tail | None:
    if not b.terms:
        return None
    low, high = b.leading()
    if low <= 0 <= high:
        return None
    return Tail(b.start, {-b.degree: INTERVALS[Op.DIV]((1.0, 1.0), (low, high))})


def _raised(a: Tail, n: float | None) -> Tail | None:
    if n is None:
        return None
    if n == int(n) and 0 < n <= HIGHEST:
        product = a
        for _ in range(int(n) - 1):
            product = _times(product, a)
        return _finite(product)
    if not a.terms or a.leading()[0] <= 0:
        return None
    return _finite(Tail(a.start, {a.degree * n: INTERVALS[Op.POW](a.leading(), (n, n))}))


def _root(a: Tail) -> Tail | None:
    return _raised(a, 0.5)


def _speed(a: Tail) -> float:
    """A number k > 0 with value ≥ k·t, or k < 0 with value ≤ k·t; 0 if neither is known."""
    if a.degree < 1:
        return 0.0
    low, high = a.leading()
    scale = a.start ** (a.degree - 1)
    return low * scale * DOWN if low > 0 else high * scale * DOWN if high < 0 else 0.0


def _near(op: Op, steepest: Callable[[Interval], float]) -> Callable[[Tail], Tail | None]:
    """g(c + x) = g(c) ± sup|g′|·|x|, for what does not grow."""

    def near(a: Tail) -> Tail | None:
        if a.degree > 0:
            return None
        slope = steepest(a.bounds()) * UP
        centre = a.terms.get(0.0, (0.0, 0.0))
        terms = {e: _mul(c, (-slope, slope)) for e, c in a.terms.items() if e < 0}
        rest = a.rest and Rest(a.rest.size * slope * UP, a.rest.power, a.rest.rate)
        return Tail(a.start, {**terms, 0.0: INTERVALS[op](centre)}, rest)

    return near


def _settling(
    op: Op, steepest: float, low: float, high: float, rest: Callable[[float, float], Rest]
) -> Callable[[Tail], Tail | None]:
    """A function that goes to `low` and `high`; `rest(k, start)` is what is missing at k·t or more."""
    near = _near(op, lambda _: steepest)

    def settling(a: Tail) -> Tail | None:
        k = _speed(a)
        if k == 0:
            return near(a)
        end = high if k > 0 else low
        return Tail(a.start, {0.0: (end, end)}, rest(abs(k), a.start))

    return settling


def _exponential(a: Tail) -> Tail | None:
    k = _speed(a)
    if k < 0:
        return Tail(a.start, {}, Rest(1.0, 0.0, -k))
    return _near(Op.EXP, lambda u: math.exp(u[1]))(a) if k == 0 else None


def _exponential_less_one(a: Tail) -> Tail | None:
    found = _exponential(a)
    return found and _minus(found, Tail(a.start, {0.0: (1.0, 1.0)}))


def _logaddexp(a: Tail, b: Tail) -> Tail | None:
    """max(a, b) + log(1 + e^−|a − b|), of which the last is at most e^−|a − b|."""
    k = _speed(_minus(a, b))
    if k == 0:
        return None
    return _plus(a if k > 0 else b, Tail(a.start, {}, Rest(1.0, 0.0, abs(k))))


def _abs(a: Tail) -> Tail | None:
    if not a.terms:
        return None
    low, high = a.leading()
    return a if low >= 0 else _neg(a) if high <= 0 else None


def _log1p(a: Tail) -> Tail | None:
    if a.degree > 0 or a.bounds()[0] <= -1:
        return None
    return _near(Op.LOG1P, lambda u: 1 / (1 + u[0]))(a)


def _larger(a: Tail, b: Tail) -> Tail | None:
    gap = _minus(a, b)
    low, high = gap.leading() if gap.terms else (-inf, inf)
    return a if low >= 0 else b if high <= 0 else None


def _smaller(a: Tail, b: Tail) -> Tail | None:
    largest = _larger(a, b)
    return largest and (b if largest is a else a)


TAILS: dict[Op, Callable[..., Tail | None]] = {
    Op.NEG: _neg,
    Op.ADD: _plus,
    Op.SUB: _minus,
    Op.MUL: _times,
    Op.DIV: _over,
    Op.SQRT: _root,
    Op.EXP: _exponential,
    Op.EXPM1: _exponential_less_one,
    Op.LOG1P: _log1p,
    Op.SIN: _near(Op.SIN, lambda _: 1.0),
    Op.COS: _near(Op.COS, lambda _: 1.0),
    Op.TANH: _settling(Op.TANH, 1.0, -1.0, 1.0, lambda k, _: Rest(2.0, 0.0, 2 * k)),
    Op.SIGMOID: _settling(Op.SIGMOID, 0.25, 0.0, 1.0, lambda k, _: Rest(1.0, 0.0, k)),
    Op.ERF: _settling(Op.ERF, 1.1284, -1.0, 1.0, lambda k, start: Rest(1.0, 0.0, k * k * start * DOWN)),
    Op.LOGADDEXP: _logaddexp,
    Op.ABS: _abs,
    Op.MAX: _larger,
    Op.MIN: _smaller,
}
