"""The highest value of a smooth function of one symbol, closed in by halving the part that may hold it.

A part is bounded by interval arithmetic, by the mean value theorem where the derivative is bounded too, and
far out by `tails`. What repeats is looked at for one period.
"""

import heapq
import math
from collections.abc import Iterable, Mapping
from math import inf, isfinite, isnan
from typing import NamedTuple

from deltaplan.plugins.expressions.algebra import Expr, const, node
from deltaplan.plugins.expressions.derivatives import derivative
from deltaplan.plugins.expressions.evaluate import evaluate
from deltaplan.plugins.expressions.intervals import Interval, interval
from deltaplan.plugins.expressions.ops import CONDITIONS, Op
from deltaplan.plugins.expressions.pieces import Piece, again_unrounded, line, unrounded
from deltaplan.plugins.expressions.tails import tail_bounds
from deltaplan.plugins.expressions.transform import replace, walk
from deltaplan.records import dataclass

SPLITS = 2000  # at most, for one end of a range
TAIL_SPLITS = 60  # each doubles the distance: what is unbounded beyond 2^60 is taken for unbounded
CLOSE = 1e-7  # relative; a bound this near to a value that is reached is not refined further
FLOOR = 1e-7  # and this near, absolutely
WIDE = 1.5  # what reaches so many times as far as it begins is looked at as a tail too
TOTAL = frozenset(
    {Op.CONST, Op.ARG, Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.EXP, Op.EXPM1, Op.SIN, Op.COS, Op.TANH}
    | {Op.SIGMOID, Op.LOGADDEXP, Op.ERF}
)  # differentiable everywhere
EDGES = {Op.SQRT: 0.0, Op.LOG: 0.0, Op.POW: 0.0, Op.LOG1P: -1.0}  # above them these are


def highest(piece: Piece, name: str) -> float:
    """An upper bound of the piece's function between its ends."""
    function = _Function.of(settled(piece, name), name, (piece.low, piece.high))
    low, high = _one_period(function.expr, name) if (piece.low, piece.high) == (-inf, inf) else (
        piece.low, piece.high
    )  # fmt: skip
    reached = max(function.value(low), function.value(high))
    heap = [_Part(-function.most(low, high), low - high, low, high)]
    for split in range(SPLITS):
        part = heap[0]
        bound, middle = -part.bound, _middle(part.low, part.high)
        if bound <= max(reached + CLOSE * abs(reached), reached + FLOOR) or not part.low < middle < part.high:
            break
        if bound == inf and split == TAIL_SPLITS:
            break
        heapq.heappop(heap)
        reached = max(reached, function.value(middle))
        for a, b in ((part.low, middle), (middle, part.high)):
            heapq.heappush(heap, _Part(-min(bound, function.most(a, b)), a - b, a, b))
    return -heap[0].bound


class _Part(NamedTuple):
    """Of parts with one bound the widest comes first. The bound is negative: the highest is the least."""

    bound: float
    width: float
    low: float
    high: float


def settled(piece: Piece, name: str) -> Expr:
    """The piece's function without the switches that never turn there: 1 + u² > 0."""
    box = {name: (piece.low, piece.high)}
    found = {e: interval(e, box) for e in walk(piece.expr) if e.op in CONDITIONS}
    known = {e: const(low) for e, (low, high) in found.items() if low == high}
    return replace(piece.expr, known, again_unrounded) if known else piece.expr


@dataclass(frozen=True, slots=True)
class _Function:
    """A function with its derivative, which is there if it has one everywhere."""

    expr: Expr
    name: str
    slope: Expr | None

    @classmethod
    def of(cls, expr: Expr, name: str, ends: Interval) -> "_Function":
        smooth = _doubled_angles(expr)
        return cls(smooth, name, derivative(smooth, name) if _is_total(smooth, {name: ends}) else None)

    def value(self, u: float) -> float:
        value = evaluate(self.expr, {self.name: u})
        assert isinstance(value, float)
        return -inf if isnan(value) else value

    def most(self, low: float, high: float) -> float:
        """An upper bound from low to high."""
        bound = interval(self.expr, {self.name: (low, high)})[1]
        if self.slope is not None and isfinite(low) and isfinite(high):
            bound = min(bound, self._by_mean_value(self.slope, low, high))
        if low >= 1 and high >= WIDE * low:
            return min(bound, tail_bounds(self.expr, self.name, low, 1)[1])
        if high <= -1 and low <= WIDE * high:
            return min(bound, tail_bounds(self.expr, self.name, -high, -1)[1])
        return bound

    def _by_mean_value(self, slope: Expr, low: float, high: float) -> float:
        """f(m) + sup f′·(u − m); at an end, where f only rises or falls."""
        s, t = interval(slope, {self.name: (low, high)})
        m = high if s >= 0 else low if t <= 0 else _middle(low, high)
        rise = max(t * (high - m) if high > m else 0.0, -s * (m - low) if m > low else 0.0, 0.0)
        at_m = interval(self.expr, {self.name: (m, m)})[1]
        if m in (low, high):
            return at_m
        return math.nextafter(at_m + rise * (1 + 1e-14), inf)


def _is_total(expr: Expr, box: Mapping[str, Interval]) -> bool:
    return all(e.op in TOTAL or _is_safe(e, box) for e in walk(expr))


def _is_safe(e: Expr, box: Mapping[str, Interval]) -> bool:
    """A power that exists everywhere; a quotient: where that has a pole its derivative is unbounded; a root
    or a logarithm of what stays above its edge, like 1 + u²."""
    if e.op is Op.POW and (n := e.args[1].value) is not None and n >= 1 and n == int(n):
        return True
    return e.op is Op.DIV or (e.op in EDGES and interval(e.args[0], box)[0] > EDGES[e.op])


def _middle(low: float, high: float) -> float:
    """A point inside; with an infinite end, ever further out."""
    if isfinite(low) and isfinite(high):
        return low + (high - low) / 2
    if isfinite(low):
        return max(2 * low, low + 1)
    return min(2 * high, high - 1) if isfinite(high) else 0.0


def _one_period(expr: Expr, name: str) -> Interval:
    """The reals, or a little more than one period of an expression of sines and cosines alone."""
    rates = _rates(expr, name)
    if not rates:
        return -inf, inf
    slowest = min(rates)
    if any(abs(r / slowest - round(r / slowest)) > 1e-12 * r / slowest for r in rates):
        return -inf, inf
    return 0.0, math.tau / slowest * (1 + 1e-9)


def _rates(expr: Expr, name: str) -> list[float]:
    """The speeds of all the sines and cosines; empty if the symbol stands outside of one."""

    def below(e: Expr) -> tuple[Expr, ...]:
        return () if e.op in (Op.SIN, Op.COS) else e.args

    leaves = [e for e in walk(expr, below=below) if not below(e) and e.op is not Op.CONST]
    lines = [line(e.args[0], name) if e.op in (Op.SIN, Op.COS) else None for e in leaves]
    rates = [abs(found[0]) for found in lines if found is not None]
    return rates if len(rates) == len(leaves) and all(r > 0 for r in rates) else []


def _doubled_angles(expr: Expr) -> Expr:
    """The expression with sin(x)·cos(x) as sin(2x)/2, so that x counts once."""
    made: dict[Expr, Expr] = {}
    for e in walk(expr):
        args = [made[a] for a in e.args]
        rebuilt = e if args == list(e.args) else again_unrounded(e, tuple(args))
        made[e] = _doubled(rebuilt) if rebuilt.op is Op.MUL else rebuilt
    return made[expr]


def _doubled(product: Expr) -> Expr:
    factors = list(_factors(product))
    for sine in factors:
        cosine = node(Op.COS, sine.args[0]) if sine.op is Op.SIN else None
        if cosine in factors:
            others = [f for f in factors if f is not sine and f is not cosine]
            result = 0.5 * node(Op.SIN, 2 * sine.args[0])
            for factor in others:
                result = unrounded(Op.MUL, factor, result)
            return result if len(others) == len(factors) - 2 else product
    return product


def _factors(e: Expr) -> Iterable[Expr]:
    if e.op is Op.MUL:
        yield from _factors(e.args[0])
        yield from _factors(e.args[1])
    else:
        yield e
