"""Powers whose exponent is a constant: a root, a quotient or a few products, or at least fewer cases."""

import math
from collections.abc import Callable, Mapping

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.powers import power, power_of_number


def power_of(lanes: Lanes, u: str, exponent: float) -> str:
    """uᵛ for an exponent that is known, to the digits of the lanes."""
    return power_of_any(lanes, u, lanes.const(exponent))


def power_of_any(lanes: Lanes, u: str, v: str) -> str:
    """uᵛ; cheaper if v is a constant."""
    exponent = lanes.number(v)
    if exponent is None or not math.isfinite(exponent):
        return power(lanes, u, v)
    short = SHORT.get(exponent)
    return short(lanes, u) if short else power_of_number(lanes, u, exponent)


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


SHORT: Mapping[float, Callable[[Lanes, str], str]] = {
    0.0: one,
    1.0: itself,
    2.0: square,
    3.0: cube,
    4.0: fourth,
    -1.0: inverse,
    -2.0: inverse_square,
    0.5: root,
}
