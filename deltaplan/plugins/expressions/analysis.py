"""What can be known of a function of one symbol: its kinks, the range of its values and slopes, its gain."""

import heapq
import math
from functools import lru_cache
from itertools import pairwise
from math import inf, isfinite, isnan, nan

from deltaplan.plugins.expressions.algebra import Expr
from deltaplan.plugins.expressions.derivatives import derivative
from deltaplan.plugins.expressions.evaluate import evaluate
from deltaplan.plugins.expressions.intervals import Interval, interval
from deltaplan.plugins.expressions.pieces import Piece, line, pieces
from deltaplan.plugins.expressions.quadrature import integral

SPLITS = 2000  # at most, for one end of a range
TAIL_SPLITS = 60  # each doubles the distance: what is unbounded beyond 2^60 is taken for unbounded
CLOSE = 1e-6  # relative; a bound this near to a value that is reached is not refined further


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
    """Bounds of the derivative over all reals: the larger of their sizes is a Lipschitz constant.

    Sound; exact for the usual ones, within 1e-6 where interval arithmetic can bound the tails, else infinite.
    """
    return value_range(derivative(expr, name), name)


@lru_cache(maxsize=256)
def value_range(expr: Expr, name: str) -> Interval:
    """Bounds of the function over all reals, as `slope_range`."""
    parts = pieces(expr, name)
    ranges = [(-_highest(-p.expr, name, p.low, p.high), _highest(p.expr, name, p.low, p.high)) for p in parts]
    ranges += [interval(expr, {name: (p.low, p.low)}) for p in parts[1:]]  # a point may have its own value
    return min(low for low, _ in ranges) + 0.0, max(high for _, high in ranges) + 0.0  # no -0.0


def _highest(expr: Expr, name: str, low: float, high: float) -> float:
    """An upper bound on [low, high]: the part with the highest bound is halved until that is near a value."""
    reached = max(_value(expr, name, low), _value(expr, name, high))
    heap = [(-interval(expr, {name: (low, high)})[1], low, high)]
    for split in range(SPLITS):
        bound, a, b = -heap[0][0], heap[0][1], heap[0][2]
        middle = _middle(a, b)
        if bound <= reached + CLOSE * abs(reached) or not a < middle < b:
            break
        if bound == inf and split == TAIL_SPLITS:
            break
        heapq.heappop(heap)
        reached = max(reached, _value(expr, name, middle))
        for part in ((a, middle), (middle, b)):
            heapq.heappush(heap, (-interval(expr, {name: part})[1], *part))
    return -heap[0][0]


def _value(expr: Expr, name: str, u: float) -> float:
    value = evaluate(expr, {name: u})
    assert isinstance(value, float)
    return -inf if isnan(value) else value


def _middle(low: float, high: float) -> float:
    """A point inside; with an infinite end, ever further out."""
    if isfinite(low) and isfinite(high):
        return low + (high - low) / 2
    if isfinite(low):
        return max(2 * low, low + 1)
    return min(2 * high, high - 1) if isfinite(high) else 0.0


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
