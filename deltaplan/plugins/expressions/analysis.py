"""What can be known of a function of one symbol: its kinks, the range of its values and slopes, its gain."""

import math
from functools import lru_cache
from itertools import pairwise
from math import inf, nan
from typing import Literal

from deltaplan.plugins.expressions.algebra import Expr
from deltaplan.plugins.expressions.derivatives import derivative
from deltaplan.plugins.expressions.evaluate import evaluate
from deltaplan.plugins.expressions.intervals import Interval, interval
from deltaplan.plugins.expressions.ops import CONDITIONS, Op
from deltaplan.plugins.expressions.pieces import Piece, line, pieces
from deltaplan.plugins.expressions.quadrature import integral
from deltaplan.plugins.expressions.ranges import highest, settled
from deltaplan.plugins.expressions.transform import walk

Monotone = Literal["rising", "falling", "constant"]
Jump = tuple[float, float, float, float]


@lru_cache(maxsize=256)
def kinks(expr: Expr, name: str) -> tuple[float, ...]:
    """The points where a switch makes the function or its derivative jump, in rising order.

    Switches count where what they compare is affine in the symbol; see `pieces`.
    """
    parts = pieces(expr, name)
    return tuple(b.low for a, b in pairwise(parts) if _jumps(a, b, name))


def _jumps(left: Piece, right: Piece, name: str) -> bool:
    at = {name: right.low}
    sides = [[p.expr, derivative(p.expr, name)] for p in (left, right)]
    return any(not _same(evaluate(a, at), evaluate(b, at)) for a, b in zip(*sides, strict=True))


def _same(a: object, b: object) -> bool:
    assert isinstance(a, float)
    assert isinstance(b, float)
    return a == b or abs(a - b) <= 1e-12 * max(1.0, abs(a), abs(b))


def is_piecewise_affine(expr: Expr, name: str) -> bool:
    """Whether the function consists of finitely many straight lines, so that its second derivative is 0."""
    return all(line(p.expr, name) is not None for p in pieces(expr, name))


def slope_range(expr: Expr, name: str) -> Interval:
    """Bounds of the derivative over all reals, wherever there is one.

    Sound: rounded outwards. Exact for the usual ones, within 1e-6 for other smooth ones whose tails are known
    (sums, products, quotients and powers of what grows like a power, settles or dies out exponentially, and
    what repeats), else infinite.
    """
    return value_range(derivative(expr, name), name)


@lru_cache(maxsize=256)
def value_range(expr: Expr, name: str) -> Interval:
    """Bounds of the function over all reals, as `slope_range`."""
    parts = pieces(expr, name)
    ranges = [(-highest(Piece(p.low, p.high, -p.expr), name), highest(p, name)) for p in parts]
    ranges += [interval(expr, {name: (p.low, p.low)}) for p in parts[1:]]  # a point may have its own value
    return min(low for low, _ in ranges) + 0.0, max(high for _, high in ranges) + 0.0  # no -0.0


def lipschitz(expr: Expr, name: str) -> float:
    """The least L that is proven with |f(u) − f(v)| ≤ L·|u − v|: the steepest slope, infinite at a jump."""
    if any(jumps(expr, name)) or _may_jump(expr, name):
        return inf
    return max(map(abs, slope_range(expr, name)))


def monotone(expr: Expr, name: str) -> Monotone | None:
    """How the function goes, where that is proven: it never falls, never rises, or is always the same."""
    if _may_jump(expr, name):
        return None
    low, high = slope_range(expr, name)
    steps = [step for _, left, at, right in jumps(expr, name) for step in (at - left, right - at)]
    low, high = min([low, *steps]), max([high, *steps])
    if low == high == 0:
        return "constant"
    return "rising" if low >= 0 else "falling" if high <= 0 else None


@lru_cache(maxsize=256)
def jumps(expr: Expr, name: str) -> tuple[Jump, ...]:
    """Where the function itself jumps: the point, and the values left of it, at it and right of it."""
    found = []
    for left, right in pairwise(pieces(expr, name)):
        at = {name: right.low}
        values = [evaluate(e, at) for e in (left.expr, expr, right.expr)]
        a, b, c = (v if isinstance(v, float) else nan for v in values)
        if not (_same(a, b) and _same(b, c)):
            found.append((right.low, a, b, c))
    return tuple(found)


def _may_jump(expr: Expr, name: str) -> bool:
    """Whether a switch is left whose place is not known."""
    switches = CONDITIONS | {Op.WHERE, Op.SIGN}
    return any(e.op in switches for p in pieces(expr, name) for e in walk(settled(p, name)))


@lru_cache(maxsize=256)
def gain(expr: Expr, name: str) -> float:
    """1/√E[σ(u)²] for u standard normal: what a weight's spread is multiplied by so that E[σ²] stays 1.

    By quadrature between the kinks, to 1e-12 relative for smooth pieces. NaN where the mean square is 0 or
    not finite.
    """
    square = math.fsum(_mean_square(p, name) for p in pieces(expr, name))
    return 1 / math.sqrt(square) if 0 < square < inf else nan


FAR = 38.0  # the normal density is 1e-314 there


def _mean_square(piece: Piece, name: str) -> float:
    low, high = max(piece.low, -FAR), min(piece.high, FAR)

    def weighted(points: list[float]) -> list[float]:
        values = evaluate(piece.expr, {name: points})
        squares = [v * v for v in values] if isinstance(values, list) else [values**2] * len(points)
        return [s * math.exp(-u * u / 2) for s, u in zip(squares, points, strict=True)]

    return integral(weighted, low, high) / math.sqrt(math.tau) if low < high else 0.0
