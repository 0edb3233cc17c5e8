"""erf: near 0 u + u·S(u²), further away 1 − exp(Q(|u|)). S and Q, of log erfc, are minimax polynomials."""

from collections.abc import Mapping
from dataclasses import dataclass

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.exponential import reduced
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves
from deltaplan.compiler.loops.llvm.mathematics.rounding import at_most, times_power


@dataclass(frozen=True, slots=True)
class ErrorFunction:
    """Numbers of a format: S up to |u| = `border`, Q from there to `one`, where erf is 1."""

    border: float
    one: float
    near: tuple[float, ...]
    far: tuple[float, ...]


ERROR_FUNCTIONS: Mapping[str, ErrorFunction] = {
    "float": ErrorFunction(
        border=1.0,
        one=3.92,
        near=(
            *(0.12837916572546473, -0.3761262581789799, 0.1128358508888853, -0.026853809676626917),
            *(0.005188323539254451, -0.0008010156625844359, 7.853732911580328e-05),
        ),
        far=(
            *(-0.0003412679321965622, -1.127090230558288, -0.638143097130531, -0.10310826877411412),
            *(0.021838791811765415, -0.002947840879936286, 0.00018639785317224776),
        ),
    ),
    "double": ErrorFunction(
        border=1.2,
        one=5.8637,
        near=(
            *(0.12837916709551256, -0.3761263890318342, 0.11283791670942446, -0.026866170643223886),
            *(0.005223977610477878, -0.0008548326322231114, 0.00012055311812492555, -1.4925220317762257e-05),
            *(
                1.645610265774391e-06,
                -1.6307693473553368e-07,
                1.4422443526614567e-08,
                -1.0606337440590013e-09,
            ),
            4.863317512474815e-11,
        ),
        far=(
            *(-3.382841928960815e-06, -1.128349236130706, -0.636743381689812, -0.10245618218266665),
            *(0.018566384813469047, 0.0009435281448778598, -0.002424887547855654, 0.0011476383418292835),
            *(-0.00035427905970866953, 8.03657558102928e-05, -1.3633547582096638e-05, 1.694615865957113e-06),
            *(-1.462499373788568e-07, 7.840016003417053e-09, -1.9662854989551393e-10),
        ),
    ),
}


def erf(lanes: Lanes, u: str) -> str:
    """2/√π·∫exp(−t²) dt from 0 to u."""
    numbers = ERROR_FUNCTIONS[lanes.kind]
    size, square = lanes.abs(u), lanes.mul(u, u)
    tail = halves(lanes, square, lanes.mul(square, square), numbers.near)
    near = lanes.fma(tail, u, u)
    inside = lanes.compare("olt", size, lanes.const(numbers.border))
    return lanes.select(inside, near, lanes.copysign(far_from_zero(lanes, size), u))


def far_from_zero(lanes: Lanes, size: str) -> str:
    """1 − 2ⁿ·(1 + tail) for exp(Q) = 2ⁿ·(1 + tail)."""
    numbers = ERROR_FUNCTIONS[lanes.kind]
    x = at_most(lanes, size, numbers.one)
    tail, n = reduced(lanes, halves(lanes, x, lanes.mul(x, x), numbers.far))
    minus = times_power(lanes, lanes.const(-1.0), n)
    return lanes.fma(tail, minus, lanes.strict("fadd", minus, lanes.const(1.0)))
