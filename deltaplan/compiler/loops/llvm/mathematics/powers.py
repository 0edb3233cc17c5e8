"""uᵛ = 2^(v·log₂|u|), with the logarithm in twice the digits, and powers of constant exponents.

|u| = 2ᵏ·m, s = (m − 1)/(m + 1), z = s², log₂ m = s·(2/log 2 + z·(⅔/log 2 + z·L(z))); v·log₂|u| = n + f with
|f| ≤ ½, 2^f = 1 + f·E(f). L and E are minimax polynomials.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.layout import LAYOUTS
from deltaplan.compiler.loops.llvm.mathematics.logarithm import split_scaled
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves
from deltaplan.compiler.loops.llvm.mathematics.rounding import is_whole, nearest, times_power
from deltaplan.compiler.loops.llvm.mathematics.twofold import Pair, plus, product_of, sum_of, times


@dataclass(frozen=True, slots=True)
class Powers:
    """Numbers of a format: 2/log 2 and a third of it in two parts, L, E, the exponents of two that give ∞ and
    0, and an exponent that does so for every u but 1."""

    first: tuple[float, float]
    third: tuple[float, float]
    log2: tuple[float, ...]
    exp2: tuple[float, ...]
    high: float
    normal: float
    low: float
    exponent: float


POWERS: Mapping[str, Powers] = {
    "float": Powers(
        first=(2.885390043258667, 3.851926067000022e-08),
        third=(0.9617967009544373, -7.028461812552678e-09),
        log2=(0.5770801901817322, 0.41184762120246887, 0.3378699719905853),
        exp2=(
            *(0.6931471824645996, 0.24022647738456726, 0.05550331994891167),
            *(0.009618446230888367, 0.0013399129966273904, 0.00015351448382716626),
        ),
        high=128.25,
        normal=-125.0,
        low=-151.0,
        exponent=2.0**34,
    ),
    "double": Powers(
        first=(2.8853900817779268, 4.0710547481862066e-17),
        third=(0.9617966939259756, 5.0577616648125907e-17),
        log2=(
            *(0.577078016355618, 0.4121985830919127, 0.3205989022839371, 0.26230769988166214),
            *(0.22198406604351206, 0.19125338687857812, 0.1904031362332175),
        ),
        exp2=(
            *(0.6931471805599453, 0.24022650695910133, 0.05550410866482006, 0.009618129107593578),
            *(0.0013333558146779707, 0.00015403530457894037, 1.5252733490384943e-05, 1.3215434854171193e-06),
            *(1.0178199865375048e-07, 7.0738622079597e-09, 4.4348458076609894e-10),
        ),
        high=1024.25,
        normal=-1021.0,
        low=-1077.0,
        exponent=2.0**64,
    ),
}


def power(lanes: Lanes, u: str, v: str) -> str:
    """uᵛ with C's rules for zeros, infinities and NaN: u⁰ = 1ᵛ = 1; NaN for u < 0 unless v is whole."""
    exponent = lanes.number(v)
    return general_power(lanes, u, v) if exponent is None else power_of(lanes, u, exponent)


def general_power(lanes: Lanes, u: str, v: str) -> str:
    one, size = lanes.const(1.0), lanes.abs(u)
    found = of_positive(lanes, size, v)
    whole, odd = parity(lanes, lanes.abs(v))
    minus = lanes.select(odd, u, one)
    found = lanes.copysign(found, minus)
    inside = lanes.logic("and", lanes.compare("olt", u, lanes.const(0.0)), lanes.invert(whole))
    finite = lanes.compare("one", size, lanes.const(math.inf))
    found = lanes.select(lanes.logic("and", inside, finite), lanes.const(math.nan), found)
    trivial = lanes.logic("or", lanes.compare("oeq", u, one), lanes.compare("oeq", v, lanes.const(0.0)))
    return lanes.select(trivial, one, found)


def parity(lanes: Lanes, size: str) -> tuple[str, str]:
    """Whether a number ≥ 0 is whole, and whether it is odd."""
    whole = is_whole(lanes, size)
    half = is_whole(lanes, lanes.strict("fmul", size, lanes.const(0.5)))
    return whole, lanes.logic("and", whole, lanes.invert(half))


def of_positive(lanes: Lanes, u: str, v: str) -> str:
    """uᵛ for 0 ≤ u ≤ ∞."""
    numbers = POWERS[lanes.kind]
    high, low = log2(lanes, u)
    zero, infinity = lanes.const(0.0), lanes.const(math.inf)
    high = lanes.select(lanes.compare("oeq", u, zero), lanes.const(-math.inf), high)
    high = lanes.select(lanes.compare("ult", u, infinity), high, u)
    largest = lanes.const(numbers.exponent)
    beyond = lanes.compare("ogt", lanes.abs(v), largest)
    v = lanes.select(beyond, lanes.copysign(largest, v), v)
    total, rest = product_of(lanes, v, high)
    found = exp2(lanes, total, lanes.fma(v, low, rest))
    found = lanes.select(lanes.compare("oge", total, lanes.const(numbers.high)), infinity, found)
    found = lanes.select(lanes.compare("ole", total, lanes.const(numbers.low)), zero, found)
    return lanes.select(lanes.compare("uno", u, v), lanes.strict("fadd", u, v), found)


def log2(lanes: Lanes, u: str) -> Pair:
    """log₂ u of a finite u > 0."""
    numbers, one = POWERS[lanes.kind], lanes.const(1.0)
    k, m = split_scaled(lanes, u)
    s = quotient(lanes, lanes.strict("fsub", m, one), sum_of(lanes, one, m))
    z = times(lanes, s, s)
    tail = lanes.mul(halves(lanes, z[0], lanes.mul(z[0], z[0]), numbers.log2), z[0])
    third = plus(lanes, pair(lanes, numbers.third), (tail, lanes.const(0.0)))
    slope = plus(lanes, pair(lanes, numbers.first), times(lanes, z, third))
    high, low = times(lanes, s, slope)
    total, rest = sum_of(lanes, k, high)
    return sum_of(lanes, total, lanes.strict("fadd", rest, low))


def pair(lanes: Lanes, numbers: tuple[float, float]) -> Pair:
    return lanes.const(numbers[0]), lanes.const(numbers[1])


def quotient(lanes: Lanes, a: str, b: Pair) -> Pair:
    """a/b for a plain a."""
    inverse = lanes.div(lanes.const(1.0), b[0])
    high = lanes.strict("fmul", a, inverse)
    product, low = product_of(lanes, high, b[0])
    rest = lanes.strict("fsub", lanes.strict("fsub", a, product), low)
    rest = lanes.strict("fsub", rest, lanes.strict("fmul", high, b[1]))
    return high, lanes.mul(rest, inverse)


def exp2(lanes: Lanes, high: str, low: str) -> str:
    """2^(high + low) where it is neither 0 nor ∞."""
    numbers, layout = POWERS[lanes.kind], LAYOUTS[lanes.kind]
    n, bits = nearest(lanes, high, 1.0)
    f = lanes.add(lanes.strict("fsub", high, n), low)
    tail = lanes.mul(halves(lanes, f, lanes.mul(f, f), numbers.exp2), f)
    few = lanes.compare("olt", high, lanes.const(numbers.normal))
    lift = layout.fraction + 10
    bits = lanes.select_whole(few, lanes.whole("add", bits, lanes.iconst(lift)), bits)
    half = times_power(lanes, lanes.const(0.5), bits)
    back = lanes.select(few, lanes.const(2.0 ** (1 - lift)), lanes.const(2.0))
    return lanes.mul(lanes.fma(tail, half, half), back)


def power_of(lanes: Lanes, u: str, exponent: float) -> str:
    """uᵛ for an exponent that is known: roots, quotients and a few products are cheap."""
    short = SHORT.get(exponent)
    return short(lanes, u) if short else general_power(lanes, u, lanes.const(exponent))


def one(lanes: Lanes, u: str) -> str:
    return lanes.const(1.0)


def itself(lanes: Lanes, u: str) -> str:
    return u


def square(lanes: Lanes, u: str) -> str:
    return lanes.mul(u, u)


def cube(lanes: Lanes, u: str) -> str:
    return lanes.mul(lanes.mul(u, u), u)


def fourth(lanes: Lanes, u: str) -> str:
    return square(lanes, square(lanes, u))


def inverse(lanes: Lanes, u: str) -> str:
    return lanes.div(lanes.const(1.0), u)


def inverse_square(lanes: Lanes, u: str) -> str:
    return square(lanes, inverse(lanes, u))


def root(lanes: Lanes, u: str) -> str:
    return lanes.sqrt(u)


SHORT = {
    0.0: one,
    1.0: itself,
    2.0: square,
    3.0: cube,
    4.0: fourth,
    -1.0: inverse,
    -2.0: inverse_square,
    0.5: root,
}
