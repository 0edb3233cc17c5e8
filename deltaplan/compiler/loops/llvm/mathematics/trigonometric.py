"""sin and cos: u = n·π + r with |r| ≤ π/2, sin u = (−1)ⁿ·(r + r³·S(r²)), S a minimax polynomial.

π is subtracted in parts (Cody and Waite), none of them negative, so that −0 stays −0. With fused operations
each part has all its bits, the first difference is exact, and no digits are lost up to the limit, 1e6 in
float and 1e14 in double. Without them the parts before the last are short, so that their products with n are
exact up to |u| = 2.5e4 in float and 2e5 in double; from there on r is off by about the distance of u from its
neighbours. Past the limit, where these are 0.015 and more apart, sin and cos are some numbers from −1 to 1.
"""

import math
from collections.abc import Mapping

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.layout import LAYOUTS
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves
from deltaplan.compiler.loops.llvm.mathematics.rounding import at_least, at_most, nearest
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Circle:
    """Numbers of a format: S, whose last coefficient is raised a little so that cos 0 is 1; the parts of π
    with all bits, and with zeros at their ends."""

    coefficients: tuple[float, ...]
    pi: tuple[float, ...]
    short_pi: tuple[float, ...]


FAR = 4.0  # r² is less up to the limit; past it the powers of r would overflow
CIRCLES: Mapping[str, Circle] = {
    "float": Circle(
        coefficients=(
            -0.16666658222675323,
            0.008333024568855762,
            -0.00019806208729278296,
            2.5979022666433593e-06,
        ),
        pi=(3.141592502593994, 1.5099578831723193e-07, 1.0780605906948477e-14),
        short_pi=(3.140625, 0.0009675025939941406, 1.5099067240953445e-07, 5.126688136514179e-12),
    ),
    "double": Circle(
        coefficients=(
            *(-0.16666666666666666, 0.008333333333333207, -0.0001984126984121248, 2.755731921157011e-06),
            *(-2.5052106904566117e-08, 1.6058941014002588e-10, -7.643019780269932e-13),
            2.72143973772239e-15,
        ),
        pi=(3.141592653589793, 1.224646799147353e-16, 2.165713347843828e-32),
        short_pi=(3.1415926535846666, 5.1266883031679116e-12, 2.1125998133974855e-23),
    ),
}


def sin(lanes: Lanes, u: str) -> str:
    """sin u; NaN at ±∞."""
    n, turns = nearest(lanes, u, 1 / math.pi)
    return signed(lanes, sine(lanes, less_pi(lanes, u, n, -1)), odd(lanes, turns))


def cos(lanes: Lanes, u: str) -> str:
    """cos u = (−1)ⁿ·sin((n + ½)·π − |u|); NaN at ±∞."""
    size, shift = lanes.abs(u), lanes.const(LAYOUTS[lanes.kind].shift)
    moved = lanes.fma(size, lanes.const(1 / math.pi), lanes.const(-0.5))
    shifted = lanes.strict("fadd", moved, shift)
    n = lanes.strict("fadd", lanes.strict("fsub", shifted, shift), lanes.const(0.5))
    rest = less_pi(lanes, lanes.neg(size), n, 1)
    return signed(lanes, sine(lanes, rest), odd(lanes, lanes.bits_of(shifted)))


def less_pi(lanes: Lanes, u: str, n: str, sign: int) -> str:
    """u ± n·π."""
    circle = CIRCLES[lanes.kind]
    for part in circle.pi if lanes.fma_here else circle.short_pi:
        u = lanes.fma(n, lanes.const(sign * part), u)
    return u


def sine(lanes: Lanes, r: str) -> str:
    """sin r for |r| ≤ π/2, and a number from −1 to 1 for others. That 0 is added keeps the sign of −0."""
    square = at_most(lanes, lanes.mul(r, r), FAR)
    tail = halves(lanes, square, lanes.mul(square, square), CIRCLES[lanes.kind].coefficients)
    found = lanes.fma(lanes.fma(tail, square, lanes.const(0.0)), r, r)
    return at_least(lanes, at_most(lanes, found, 1.0), -1.0)


def odd(lanes: Lanes, bits: str) -> str:
    """The sign's bit where the lowest is set."""
    return lanes.whole("shl", bits, lanes.iconst(lanes.bits - 1))


def signed(lanes: Lanes, a: str, sign: str) -> str:
    """`a` with the other sign where the sign's bit is set."""
    return lanes.real_of(lanes.whole("xor", lanes.bits_of(a), sign))
