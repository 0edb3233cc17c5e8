"""exp, expm1 and what is made of them: sigmoid, tanh.

u = n·log 2 + r with |r| ≤ ½·log 2, eᵘ = 2ⁿ·(1 + r + r²·Q(r)), Q a minimax polynomial.
"""

import math
from collections.abc import Mapping

from deltaplan.compiler.loops.llvm import avx512
from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.layout import LAYOUTS
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves
from deltaplan.compiler.loops.llvm.mathematics.rounding import at_least, at_most, nearest, times_power
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Exponential:
    """Numbers of a format. `log2` are the parts of log 2, the first with zeros at its end: its product with n
    is exact; `coefficients` are Q's. eᵘ is 0 up to `low`, subnormal up to `normal`, ∞ from `high` on;
    eᵘ − 1 is −1 up to `minus_one`."""

    log2: tuple[float, float]
    coefficients: tuple[float, ...]
    low: float
    normal: float
    high: float
    minus_one: float


EXPONENTIALS: Mapping[str, Exponential] = {
    "float": Exponential(
        log2=(0.693359375, -2.1219444005469058e-4),
        coefficients=(
            *(0.4999999701976776, 0.1666654646396637, 0.04166743904352188, 0.008366256020963192),
            0.001387026277370751,
        ),
        low=-104.0,
        normal=-86.5,
        high=89.0,
        minus_one=-18.0,
    ),
    "double": Exponential(
        log2=(0.6931471803691238, 1.9082149292705877e-10),
        coefficients=(
            *(0.5000000000000006, 0.16666666666666638, 0.04166666666657546, 0.00833333333336387),
            *(0.0013888888931695182, 0.00019841269767123223, 2.4801505248174667e-05),
            *(2.755736909397347e-06, 2.762602572042548e-07, 2.506492180965519e-08),
        ),
        low=-746.0,
        normal=-707.5,
        high=710.0,
        minus_one=-38.0,
    ),
}


def exp(lanes: Lanes, u: str) -> str:
    """eᵘ; subnormal numbers and 0 far below, ∞ above."""
    numbers = EXPONENTIALS[lanes.kind]
    return scaled_exp(lanes, at_most(lanes, u, numbers.high), halved=True)


def scaled_exp(lanes: Lanes, u: str, halved: bool = False) -> str:
    """eᵘ where it does not overflow; with `halved` 2ⁿ goes in two steps, so that 2ⁿ itself may."""
    numbers, layout = EXPONENTIALS[lanes.kind], LAYOUTS[lanes.kind]
    u = at_least(lanes, u, numbers.low)
    tail, n, bits = reduced(lanes, u)
    if avx512.fits(lanes):
        return avx512.times_two_to(lanes, lanes.strict("fadd", tail, lanes.const(1.0)), n)
    few = lanes.compare("olt", u, lanes.const(numbers.normal))
    lift = layout.fraction + 10  # 2ⁿ is made this many powers larger where eᵘ is subnormal
    bits = lanes.select_whole(few, lanes.whole("add", bits, lanes.iconst(lift)), bits)
    power = times_power(lanes, lanes.const(0.5 if halved else 1.0), bits)
    back = lanes.select(few, lanes.const(2.0 ** (halved - lift)), lanes.const(2.0**halved))
    return lanes.mul(lanes.fma(tail, power, power), back)


def expm1(lanes: Lanes, u: str) -> str:
    """eᵘ − 1 with all digits near 0."""
    numbers = EXPONENTIALS[lanes.kind]
    bounded = at_most(lanes, at_least(lanes, u, numbers.minus_one), numbers.high)
    tail, _, bits = reduced(lanes, bounded)
    half = times_power(lanes, lanes.const(0.5), bits)
    found = lanes.fma(tail, half, lanes.strict("fsub", half, lanes.const(0.5)))
    return lanes.copysign(lanes.strict("fadd", found, found), u)


def reduced(lanes: Lanes, u: str) -> tuple[str, str, str]:
    """e^r − 1, n, and n lowest in an integer's bits: eᵘ = 2ⁿ·e^r."""
    numbers = EXPONENTIALS[lanes.kind]
    n, bits = nearest(lanes, u, 1 / math.log(2))
    r = lanes.fma(n, lanes.const(-numbers.log2[0]), u)
    r = lanes.fma(n, lanes.const(-numbers.log2[1]), r)
    square = lanes.mul(r, r)
    return lanes.fma(halves(lanes, r, square, numbers.coefficients), square, r), n, bits


def sigmoid(lanes: Lanes, u: str) -> str:
    """where(u ≥ 0, 1, e)/(1 + e) with e = exp(−|u|)."""
    one = lanes.const(1.0)
    e = scaled_exp(lanes, lanes.neg(lanes.abs(u)))
    above = lanes.select(lanes.compare("oge", u, lanes.const(0.0)), one, e)
    return lanes.div(above, lanes.add(e, one))


def tanh(lanes: Lanes, u: str) -> str:
    """(1 − e)/(1 + e) with e = exp(−2·|u|), and u's sign."""
    doubled = lanes.neg(lanes.abs(lanes.strict("fadd", u, u)))
    tail, _, bits = reduced(lanes, at_least(lanes, doubled, EXPONENTIALS[lanes.kind].minus_one))
    power, one = times_power(lanes, lanes.const(1.0), bits), lanes.const(1.0)
    over = lanes.fma(tail, power, lanes.strict("fsub", power, one))
    under = lanes.fma(tail, power, lanes.strict("fadd", power, one))
    return lanes.copysign(lanes.div(over, under), u)
