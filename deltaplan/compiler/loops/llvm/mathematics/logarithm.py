"""log, log1p, logaddexp.

1 + u = 2ᵏ·(1 + f) with ¾ ≤ 1 + f < 1½, log(1 + u) = k·log 2 + log1p(f). float takes a minimax polynomial,
log1p(f) = f + f²·P(f); double, for which that is long, goes by s = f/(2 + f):
log1p(f) = f − ½f² + s·(½f² + R(s²))  (as FreeBSD's msun does).
"""

import math
from collections.abc import Mapping

from deltaplan.compiler.loops.llvm import avx512
from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.exponential import scaled_exp
from deltaplan.compiler.loops.llvm.mathematics.layout import LAYOUTS
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves, horner, pairs

LOG2: Mapping[str, tuple[float, float]] = {
    "float": (0.693115234375, 3.1946184945309415e-5),
    "double": (0.6931471803691238, 1.9082149292705877e-10),
}  # the first has zeros at its end: its product with k is exact. Both are above 0: k = ±∞ comes through

P = (
    *(-0.5, 0.33333447575569153, -0.25000089406967163, 0.19990921020507812),
    *(-0.16647624969482422, 0.14478172361850739, -0.13157881796360016, 0.10457222908735275),
    -0.04504474252462387,
)
R = (
    *(0.6666666666667266, 0.39999999996186664, 0.28571429391381725, 0.22222138783564147),
    *(0.18186345718943134, 0.1525037641059085, 0.15366853068848058),
)

U: Mapping[str, tuple[float, ...]] = {
    "float": (
        *(-0.4999993145465851, 0.3333047330379486, -0.2495819628238678, 0.19693414866924286),
        *(-0.15349750220775604, 0.1067112386226654, -0.05757253244519234, 0.02015622891485691),
        -0.0033078601118177176,
    ),
    "double": (
        *(-0.49999999999999456, 0.33333333333234444, -0.24999999993646604, 0.19999999790570283),
        *(-0.16666662486983844, 0.1428565877860985, -0.12499478742160695, 0.11107501269612494),
        *(-0.09980995473952421, 0.09013092002586477, -0.08081059446862339, 0.07035248883196848),
        *(-0.05749758979028132, 0.042294909607847604, -0.0267392397171816, 0.013835351296753132),
        *(-0.005541488319484908, 0.0015951830670008899, -0.0002916430789778936, 2.5318352219047406e-05),
    ),
}


def log(lanes: Lanes, u: str) -> str:
    """log u; −∞ at 0, NaN below."""
    k, m = split(lanes, u)
    found = logarithm(lanes, lanes.strict("fsub", m, lanes.const(1.0)), k)
    return (
        found if avx512.fits(lanes) else at_ends(lanes, u, found, u, 0.0)
    )  # there k and m have what ends need


def log1p(lanes: Lanes, u: str) -> str:
    """log(1 + u) with all digits near 0; −∞ at −1, NaN below."""
    layout = LAYOUTS[lanes.kind]
    one = lanes.const(1.0)
    w = lanes.strict("fadd", u, one)
    k, m = split(lanes, w)
    large = lanes.select(lanes.compare("ogt", u, one), u, one)
    small = lanes.select(lanes.compare("ogt", u, one), one, u)
    lost = lanes.strict("fsub", small, lanes.strict("fsub", w, large))
    bits = lanes.whole("sub", lanes.bits_of(m), lanes.bits_of(w))
    bits = lanes.whole("add", bits, lanes.iconst(layout.one))
    zero = lanes.iconst(0)  # 2⁻ᵏ where that is no normal number, and u is far from needing it
    scale = lanes.real_of(lanes.select_whole(lanes.compare_whole("slt", bits, zero), zero, bits))
    f = lanes.fma(lost, scale, lanes.strict("fsub", m, one))
    found = at_ends(lanes, u, logarithm(lanes, f, k), w, -1.0)
    return lanes.copysign(found, u)


def logaddexp(lanes: Lanes, a: str, b: str) -> str:
    """log(eᵃ + eᵇ) = max + log1p(exp(−|a − b|)), where equal ones, infinities too, are log 2 apart."""
    larger = lanes.select(lanes.compare("ogt", a, b), a, b)
    zero = lanes.const(0.0)
    distance = lanes.abs(lanes.strict("fsub", a, b))
    distance = lanes.select(lanes.compare("oeq", a, b), zero, distance)
    e = scaled_exp(lanes, lanes.neg(distance))
    return lanes.strict("fadd", larger, log1p_of_unit(lanes, e))


def log1p_of_unit(lanes: Lanes, e: str) -> str:
    """log(1 + e) = e + e²·U(e) for 0 ≤ e ≤ 1."""
    square = lanes.mul(e, e)
    return lanes.fma(pairs(lanes, e, square, U[lanes.kind]), square, e)


def split(lanes: Lanes, u: str) -> tuple[str, str]:
    """k as a real and m with u = 2ᵏ·m, ¾ ≤ m < 1½, for every finite u > 0."""
    if avx512.fits(lanes):
        m = avx512.fraction(lanes, u)
        return lanes.strict("fsub", avx512.exponent(lanes, u), avx512.exponent(lanes, m)), m
    layout = LAYOUTS[lanes.kind]
    few = lanes.compare("olt", u, lanes.const(layout.smallest_normal))
    lift = layout.fraction + 2  # subnormal numbers are made so many powers larger first
    lifted = lanes.select(few, lanes.strict("fmul", u, lanes.const(2.0**lift)), u)
    k, m = split_normal(lanes, lifted)
    return lanes.strict("fsub", k, lanes.select(few, lanes.const(lift), lanes.const(0.0))), m


def split_normal(lanes: Lanes, u: str) -> tuple[str, str]:
    """k and m of `split` for normal u > 0."""
    layout = LAYOUTS[lanes.kind]
    lowest = layout.one - (1 << (layout.fraction - 1))  # the bits of ¾
    moved = lanes.whole("add", lanes.bits_of(u), lanes.iconst(layout.one - lowest))
    power = lanes.whole("lshr", moved, lanes.iconst(layout.fraction))
    rest = lanes.whole("and", moved, lanes.iconst((1 << layout.fraction) - 1))
    m = lanes.real_of(lanes.whole("add", rest, lanes.iconst(lowest)))
    border = (layout.bias + layout.fraction) << layout.fraction  # the bits of 2^fraction
    counted = lanes.real_of(lanes.whole("or", power, lanes.iconst(border)))
    return lanes.strict("fsub", counted, lanes.const(2.0**layout.fraction + layout.bias)), m


def logarithm(lanes: Lanes, f: str, k: str) -> str:
    """k·log 2 + log(1 + f) for ¾ ≤ 1 + f ≤ 1½."""
    high, low = (lanes.const(part) for part in LOG2[lanes.kind])
    square = lanes.mul(f, f)
    if lanes.kind == "float":
        rest = lanes.fma(halves(lanes, f, square, P), square, lanes.mul(k, low))
        return lanes.fma(k, high, lanes.strict("fadd", f, rest))
    s = lanes.div(f, lanes.add(f, lanes.const(2.0)))
    z = lanes.mul(s, s)
    r = lanes.mul(horner(lanes, z, R), z)
    half = lanes.mul(square, lanes.const(0.5))
    rest = lanes.fma(s, lanes.add(half, r), lanes.mul(k, low))
    return lanes.fma(k, high, lanes.strict("fsub", f, lanes.strict("fsub", half, rest)))


def at_ends(lanes: Lanes, u: str, found: str, checked: str, zero: float) -> str:
    """A logarithm where it is none of a number: ∞ and NaN in `checked` come through, u = `zero` gives −∞."""
    finite = lanes.compare("olt", checked, lanes.const(math.inf))
    found = lanes.select(finite, found, u)
    border = lanes.const(zero)
    nan = lanes.const(-math.nan)  # with the sign that a processor's own has
    outside = lanes.select(lanes.compare("oeq", u, border), lanes.const(-math.inf), nan)
    return lanes.select(lanes.compare("ugt", u, border), found, outside)
