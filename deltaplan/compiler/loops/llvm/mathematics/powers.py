"""uᵛ = 2^(v·log₂|u|), with the logarithm in twice the digits.

|u| = 2ᵏ·m, s = (m − 1)/(m + 1), z = s², log₂ m = s·(2/log 2 + z·(⅔/log 2 + z·L(z))); v·log₂|u| = n + f with
|f| ≤ ½, 2^f = 1 + f·E(f). L and E are minimax polynomials.
"""

import math
from collections.abc import Mapping
from functools import cache

from deltaplan.compiler.loops.llvm import avx512
from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.layout import LAYOUTS
from deltaplan.compiler.loops.llvm.mathematics.logarithm import split
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves
from deltaplan.compiler.loops.llvm.mathematics.rounding import (
    at_least,
    at_most,
    is_whole,
    nearest,
    times_power,
)
from deltaplan.compiler.loops.llvm.mathematics.twofold import Pair, less_product, product_of, sum_of, times
from deltaplan.compiler.loops.llvm.text import constant_number, real_constant
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Powers:
    """Numbers of a format: 2/log 2 and a third of it in two parts, L, E; 2ᵗ is ∞ from `high` on, subnormal
    below `normal`, 0 up to `low`."""

    first: tuple[float, float]
    third: tuple[float, float]
    log2: tuple[float, ...]
    exp2: tuple[float, ...]
    high: float
    normal: float
    low: float


POWERS: Mapping[str, Powers] = {
    "float": Powers(
        first=(2.885390043258667, 3.851926067000022e-08),
        third=(0.9617967009544373, -7.028461812552678e-09),
        log2=(
            0.5770836472511292,
            0.4115389585494995,
            0.34438514709472656,
        ),
        exp2=(
            *(0.6931471824645996, 0.24022647738456726, 0.055503591895103455, 0.00961849745362997),
            *(0.001339118811301887, 0.0001533039758214727),
        ),
        high=128.25,
        normal=-125.0,
        low=-151.0,
    ),
    "double": Powers(
        first=(2.8853900817779268, 4.0710547481862066e-17),
        third=(0.9617966939259756, 5.0577616648125907e-17),
        log2=(
            *(0.5770780163555814, 0.41219858311326346, 0.3205988975309412, 0.2623082372894072),
            *(0.2219500817178159, 0.19247176508795208, 0.16724612043569387, 0.1813456691453087),
        ),
        exp2=(
            *(0.6931471805599453, 0.2402265069591011, 0.05550410866482172, 0.009618129107600477),
            *(0.0013333558146544286, 0.0001540353045045848, 1.5252733637838082e-05),
            *(1.3215438125476988e-06, 1.017815775925515e-07, 7.073355765308743e-09),
            4.4392952141397527e-10,
        ),
        high=1024.25,
        normal=-1021.0,
        low=-1077.0,
    ),
}


DIGITS, GUARDED = 160, 256  # binary digits of a logarithm, and of what they are taken from


def power(lanes: Lanes, u: str, v: str) -> str:
    """uᵛ with C's rules for zeros, infinities and NaN: u⁰ = 1ᵛ = 1; NaN for u < 0 unless v is whole."""
    one, zero = lanes.const(1.0), lanes.const(0.0)
    largest = LAYOUTS[lanes.kind].largest
    bounded = at_least(lanes, at_most(lanes, v, largest), -largest)  # 1^∞ is 1, and 0·∞ is NaN
    base = lanes.number(u)
    if base is not None and 0 < base < math.inf and base != 1:
        high, low = (lanes.const(part) for part in log2_of(base, lanes.kind))
        return _from_log2(lanes, high, low, bounded)
    found = of_positive(lanes, lanes.abs(u), bounded)
    whole, odd = parity(lanes, lanes.abs(v))
    found = lanes.copysign(found, lanes.select(odd, u, one))
    outside = lanes.logic("and", negative(lanes, u), lanes.invert(whole))
    found = lanes.select(outside, lanes.const(math.nan), found)
    trivial = lanes.logic("or", lanes.compare("oeq", u, one), lanes.compare("oeq", v, zero))
    return lanes.select(trivial, one, found)


def power_of_number(lanes: Lanes, u: str, exponent: float) -> str:
    """uᵛ for a finite v ≠ 0 that is known."""
    found = of_positive(lanes, lanes.abs(u), lanes.const(exponent))
    if exponent % 2 == 1:
        return lanes.copysign(found, u)
    return found if exponent % 2 == 0 else lanes.select(negative(lanes, u), lanes.const(math.nan), found)


def negative(lanes: Lanes, u: str) -> str:
    """Whether −∞ < u < 0."""
    below = lanes.compare("olt", u, lanes.const(0.0))
    return lanes.logic("and", below, lanes.compare("ogt", u, lanes.const(-math.inf)))


def parity(lanes: Lanes, size: str) -> tuple[str, str]:
    """Whether a number ≥ 0 is whole, and whether it is odd."""
    whole = is_whole(lanes, size)
    half = is_whole(lanes, lanes.strict("fmul", size, lanes.const(0.5)))
    return whole, lanes.logic("and", whole, lanes.invert(half))


def of_positive(lanes: Lanes, u: str, v: str) -> str:
    """uᵛ for 0 ≤ u ≤ ∞ and finite v."""
    high, low = log2(lanes, u)
    zero, infinity = lanes.const(0.0), lanes.const(math.inf)
    high = lanes.select(lanes.compare("oeq", u, zero), lanes.const(-math.inf), high)
    high = lanes.select(lanes.compare("olt", u, infinity), high, u)
    return _from_log2(lanes, high, low, v)


def _from_log2(lanes: Lanes, high: str, low: str, v: str) -> str:
    """2^(v·(high + low)) for finite v."""
    numbers = POWERS[lanes.kind]
    total, rest = product_of(lanes, v, high)
    found = exp2(lanes, total, lanes.fma(v, low, rest))
    found = lanes.select(lanes.compare("oge", total, lanes.const(numbers.high)), lanes.const(math.inf), found)
    return lanes.select(lanes.compare("ole", total, lanes.const(numbers.low)), lanes.const(0.0), found)


@cache
def log2_of(u: float, kind: str) -> tuple[float, float]:
    """log₂ u of a finite u > 0 in two parts of a format. Its digits are found one by one: where the square of
    a number of [1, 2) reaches 2, the next digit is 1, and half the square goes on."""
    fraction, exponent = math.frexp(u)
    square, digits = int(fraction * 2.0**54) << (GUARDED - 53), 0
    for _ in range(DIGITS):
        square = square * square >> GUARDED
        digit = square >> (GUARDED + 1)
        square, digits = square >> digit, 2 * digits + digit
    whole = ((exponent - 1) << DIGITS) + digits
    high = constant_number(real_constant(kind, whole / (1 << DIGITS)))
    above, below = high.as_integer_ratio()
    low = (whole * below - (above << DIGITS)) / (below << DIGITS)
    return high, constant_number(real_constant(kind, low))


def log2(lanes: Lanes, u: str) -> Pair:
    """log₂ u of a finite u > 0."""
    one = lanes.const(1.0)
    k, m = split(lanes, u)
    s = quotient(lanes, lanes.strict("fsub", m, one), sum_of(lanes, one, m))
    high, low = times(lanes, s, slope(lanes, s))
    total, rest = sum_of(lanes, k, high)
    return total, lanes.strict("fadd", rest, low)


def slope(lanes: Lanes, s: Pair) -> Pair:
    """log₂((1 + s)/(1 − s))/s; the low part is as large as what follows 2/log 2 and ⅔/log 2·z."""
    numbers = POWERS[lanes.kind]
    first, third = (lanes.const(high) for high, _ in (numbers.first, numbers.third))
    z, z_low = product_of(lanes, s[0], s[0])
    z_low = lanes.fma(lanes.strict("fadd", s[0], s[0]), s[1], z_low)
    square = lanes.mul(z, z)
    second, low = product_of(lanes, z, third)
    low = lanes.fma(z, lanes.const(numbers.third[1]), lanes.fma(z_low, third, low))
    low = lanes.fma(square, halves(lanes, z, square, numbers.log2), low)
    high, rest = sum_of(lanes, first, second)
    return high, lanes.add(rest, lanes.add(low, lanes.const(numbers.first[1])))


def quotient(lanes: Lanes, a: str, b: Pair) -> Pair:
    """a/b for a plain a."""
    inverse = lanes.div(lanes.const(1.0), b[0])
    high = lanes.strict("fmul", a, inverse)
    rest = lanes.fma(high, lanes.neg(b[1]), less_product(lanes, a, high, b[0]))
    return high, lanes.mul(rest, inverse)


def exp2(lanes: Lanes, high: str, low: str) -> str:
    """2^(high + low) where it is neither 0 nor ∞."""
    numbers, layout = POWERS[lanes.kind], LAYOUTS[lanes.kind]
    n, bits = nearest(lanes, lanes.strict("fadd", high, low), 1.0)
    f = lanes.add(lanes.strict("fsub", high, n), low)
    tail = lanes.mul(halves(lanes, f, lanes.mul(f, f), numbers.exp2), f)
    if avx512.fits(lanes):
        return avx512.times_two_to(lanes, lanes.strict("fadd", tail, lanes.const(1.0)), n)
    few = lanes.compare("olt", high, lanes.const(numbers.normal))
    lift = layout.fraction + 10
    bits = lanes.select_whole(few, lanes.whole("add", bits, lanes.iconst(lift)), bits)
    half = times_power(lanes, lanes.const(0.5), bits)
    back = lanes.select(few, lanes.const(2.0 ** (1 - lift)), lanes.const(2.0))
    return lanes.mul(lanes.fma(tail, half, half), back)
