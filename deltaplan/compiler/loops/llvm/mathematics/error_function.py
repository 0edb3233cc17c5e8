"""erf: near 0 u + u·S(u²), further away 1 − exp(Q(|u|)). S and Q, of log erfc, are minimax polynomials."""

from collections.abc import Mapping

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.exponential import reduced
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves
from deltaplan.compiler.loops.llvm.mathematics.rounding import at_most, times_power
from deltaplan.records import dataclass


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
            *(0.12837916612625122, -0.3761262595653534, 0.11283578723669052, -0.026853347197175026),
            *(0.005187162198126316, -0.0007997853099368513, 7.806903886375949e-05),
        ),
        far=(
            *(-0.0003425506583880633, -1.1270848512649536, -0.6381523609161377, -0.10309990495443344),
            *(0.02183462865650654, -0.0029467607382684946, 0.00018628399993758649),
        ),
    ),
    "double": ErrorFunction(
        border=1.2,
        one=5.9217,
        near=(
            *(0.12837916709551256, -0.3761263890318341, 0.11283791670942196, -0.02686617064319687),
            *(0.005223977610318111, -0.0008548326316491408, 0.00012055311679445823),
            *(-1.4925218263551794e-05, 1.64560813212726e-06, -1.630754616952974e-07),
            *(1.4421795430744901e-08, -1.060469295725832e-09, 4.861486073723365e-11),
        ),
        far=(
            *(-3.382559958300333e-06, -1.1283492379559126, -0.6367433763620821, -0.10245619142683958),
            *(0.018566395376554353, 0.0009435198514618627, -0.002424883051879333, 0.001147636729956131),
            *(-0.00035427874441393525, 8.036576622076477e-05, -1.3633574509852111e-05),
            *(1.6946242464421954e-06, -1.4625129758218766e-07, 7.840135417772951e-09),
            -1.9663303858185715e-10,
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
    tail, _, bits = reduced(lanes, halves(lanes, x, lanes.mul(x, x), numbers.far))
    minus = times_power(lanes, lanes.const(-1.0), bits)
    return lanes.fma(tail, minus, lanes.strict("fadd", minus, lanes.const(1.0)))
