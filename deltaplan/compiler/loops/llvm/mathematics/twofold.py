"""Numbers of twice the digits: a pair (high, low) whose sum is meant, |low| at most half a unit of high.

The rules are Dekker's and Knuth's (Numerische Mathematik 18, 1971; The Art of Computer Programming 2, 4.2.2).
"""

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.layout import LAYOUTS

Pair = tuple[str, str]


def sum_of(lanes: Lanes, a: str, b: str) -> Pair:
    """a + b without loss, where |a| ≥ |b| or a = 0."""
    high = lanes.strict("fadd", a, b)
    return high, lanes.strict("fsub", b, lanes.strict("fsub", high, a))


def product_of(lanes: Lanes, a: str, b: str) -> Pair:
    """a·b without loss, short of overflow and underflow."""
    high = lanes.strict("fmul", a, b)
    if lanes.fma_here:
        return high, lanes.fma(a, b, lanes.neg(high))
    (a1, a2), (b1, b2) = halves_of(lanes, a), halves_of(lanes, b)
    rest = lanes.strict("fsub", lanes.strict("fmul", a1, b1), high)
    rest = lanes.strict("fadd", rest, lanes.strict("fmul", a1, b2))
    rest = lanes.strict("fadd", rest, lanes.strict("fmul", a2, b1))
    return high, lanes.strict("fadd", rest, lanes.strict("fmul", a2, b2))


def halves_of(lanes: Lanes, a: str) -> Pair:
    """a as two numbers of half its digits: the products of such are exact."""
    digits = (LAYOUTS[lanes.kind].fraction + 2) // 2
    mask = lanes.iconst(-(1 << digits))
    high = lanes.real_of(lanes.whole("and", lanes.bits_of(a), mask))
    return high, lanes.strict("fsub", a, high)


def times(lanes: Lanes, a: Pair, b: Pair) -> Pair:
    high, low = product_of(lanes, a[0], b[0])
    low = lanes.fma(a[0], b[1], low)
    return high, lanes.fma(a[1], b[0], low)


def less_product(lanes: Lanes, a: str, b: str, c: str) -> str:
    """a − b·c, where it is small beside a."""
    if lanes.fma_here:
        return lanes.fma(lanes.neg(b), c, a)
    high, low = product_of(lanes, b, c)
    return lanes.strict("fsub", lanes.strict("fsub", a, high), low)
