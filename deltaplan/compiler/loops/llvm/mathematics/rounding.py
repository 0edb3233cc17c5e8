"""Whole numbers and bounds, without a function of the library."""

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.layout import LAYOUTS


def nearest(lanes: Lanes, a: str, factor: float) -> tuple[str, str]:
    """n = round(a·factor) for |n| < 2^(fraction−1): as a real, and the bits that have n lowest."""
    shift = lanes.const(LAYOUTS[lanes.kind].shift)
    shifted = lanes.fma(a, lanes.const(factor), shift)
    return lanes.strict("fsub", shifted, shift), lanes.bits_of(shifted)


def times_power(lanes: Lanes, a: str, bits: str) -> str:
    """a·2ⁿ by its exponent, where both are normal numbers; n lies lowest in `bits`."""
    fraction = lanes.iconst(LAYOUTS[lanes.kind].fraction)
    exponent = lanes.whole("shl", bits, fraction)
    return lanes.real_of(lanes.whole("add", lanes.bits_of(a), exponent))


def is_whole(lanes: Lanes, a: str) -> str:
    """Whether a ≥ 0 is a whole number: from 2^fraction on all are, ∞ among them; NaN is none."""
    if lanes.fma_here:  # processors that have the one also have the other
        return lanes.compare("oeq", lanes.intrinsic("rint", a), a)
    border = lanes.const(2.0 ** LAYOUTS[lanes.kind].fraction)
    rounded = lanes.strict("fsub", lanes.strict("fadd", a, border), border)
    small = lanes.compare("oeq", rounded, a)
    return lanes.logic("or", small, lanes.compare("oge", a, border))


def at_most(lanes: Lanes, a: str, bound: float) -> str:
    """`a`, or the bound where it is larger; NaN comes through."""
    limit = lanes.const(bound)
    return lanes.select(lanes.compare("ogt", a, limit), limit, a)


def at_least(lanes: Lanes, a: str, bound: float) -> str:
    """`a`, or the bound where it is smaller; NaN comes through."""
    limit = lanes.const(bound)
    return lanes.select(lanes.compare("olt", a, limit), limit, a)
