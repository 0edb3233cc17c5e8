"""sin and cos: u = n·π + r with |r| ≤ π/2, sin u = (−1)ⁿ·(r + r³·S(r²)), S a minimax polynomial.

π is subtracted in parts (Cody and Waite). With fused operations each part has all its bits, the first
difference is exact, and no digits are lost up to the limit, 1e6 in float and 1e14 in double. Without them the
parts before the last are short, so that their products with n are exact up to |u| = 2.5e4 in float and 2e5 in
double; from there on r is off by about the distance of u from its neighbours. Past the limit, where these are
0.015 and more apart, sin is 0 and cos is 1.
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
    with all bits, and with zeros at their ends; how far from 0 the reduction is used."""

    coefficients: tuple[float, ...]
    pi: tuple[float, ...]
    short_pi: tuple[float, ...]
    limit: float


CIRCLES: Mapping[str, Circle] = {
    "float": Circle(
        coefficients=(
            -0.16666658222675323,
            0.008333024568855762,
            -0.00019806208729278296,
            2.5979022666433593e-06,
        ),
        pi=(3.1415927410125732, -8.742277657347586e-08, -3.4302490200117637e-15),
        short_pi=(3.140625, 0.0009675025939941406, 1.5099067240953445e-07, 5.126688136514179e-12),
        limit=1e6,
    ),
    "double": Circle(
        coefficients=(
            *(-0.16666666666666666, 0.008333333333333207, -0.0001984126984121248, 2.755731921157011e-06),
            *(-2.5052106904566117e-08, 1.6058941014002588e-10, -7.643019780269932e-13),
            2.72143973772239e-15,
        ),
        pi=(3.141592653589793, 1.2246467991473532e-16, -2.9947698097183397e-33),
        short_pi=(3.1415926535846666, 5.1266883031679116e-12, 2.1125998133974855e-23),
        limit=1e14,
    ),
}


def sin(lanes: Lanes, u: str) -> str:
    """sin u; NaN at ±∞, and 0 past the reach of the reduction."""
    size = within(lanes, u)
    n, turns = nearest(lanes, size, 1 / math.pi)
    found = sine(lanes, less_pi(lanes, size, n))
    minus = lanes.whole("and", lanes.bits_of(u), lanes.iconst(LAYOUTS[lanes.kind].sign))
    return signed(lanes, found, lanes.whole("xor", odd(lanes, turns), minus))


def cos(lanes: Lanes, u: str) -> str:
    """cos u = −(−1)ⁿ·sin(|u| − (n + ½)·π); NaN at ±∞, and 1 past the reach of the reduction."""
    size = within(lanes, u)
    layout = LAYOUTS[lanes.kind]
    shift = lanes.const(layout.shift)
    moved = lanes.fma(size, lanes.const(1 / math.pi), lanes.const(-0.5))
    shifted = lanes.strict("fadd", moved, shift)
    n = lanes.strict("fadd", lanes.strict("fsub", shifted, shift), lanes.const(0.5))
    found = sine(lanes, less_pi(lanes, size, n))
    return signed(lanes, lanes.neg(found), odd(lanes, lanes.bits_of(shifted)))


def within(lanes: Lanes, u: str) -> str:
    """|u|; 0 past the limit, and NaN for ∞."""
    size = lanes.abs(u)
    reached = lanes.compare("ole", size, lanes.const(CIRCLES[lanes.kind].limit))
    return lanes.select(reached, size, lanes.strict("fmul", size, lanes.const(0.0)))


def less_pi(lanes: Lanes, u: str, n: str) -> str:
    """u − n·π."""
    circle = CIRCLES[lanes.kind]
    for part in circle.pi if lanes.fma_here else circle.short_pi:
        u = lanes.fma(n, lanes.const(-part), u)
    return u


def sine(lanes: Lanes, r: str) -> str:
    """sin r for |r| ≤ π/2."""
    square = lanes.mul(r, r)
    tail = halves(lanes, square, lanes.mul(square, square), CIRCLES[lanes.kind].coefficients)
    found = lanes.fma(lanes.mul(tail, square), r, r)
    return at_least(lanes, at_most(lanes, found, 1.0), -1.0)


def odd(lanes: Lanes, bits: str) -> str:
    """The sign's bit where the lowest is set."""
    return lanes.whole("shl", bits, lanes.iconst(lanes.bits - 1))


def signed(lanes: Lanes, a: str, sign: str) -> str:
    """`a` with the other sign where the sign's bit is set."""
    return lanes.real_of(lanes.whole("xor", lanes.bits_of(a), sign))
