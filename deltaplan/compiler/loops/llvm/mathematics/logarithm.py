"""log, log1p, logaddexp.

1 + u = 2ᵏ·(1 + f) with √½ ≤ 1 + f < √2, log(1 + u) = k·log 2 + log1p(f). float takes a minimax polynomial,
log1p(f) = f + f²·P(f); double, for which that is long, goes by s = f/(2 + f):
log1p(f) = f − ½f² + s·(½f² + R(s²))  (as FreeBSD's msun does).
"""

import math
from collections.abc import Mapping

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.exponential import scaled_exp
from deltaplan.compiler.loops.llvm.mathematics.layout import LAYOUTS
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves, horner, pairs

LOG2: Mapping[str, tuple[float, float]] = {
    "float": (0.693359375, -2.1219444005469058e-4),
    "double": (0.6931471803691238, 1.9082149292705877e-10),
}  # the first has zeros at its end: its product with k is exact

P = (
    *(-0.49999988079071045, 0.33333322405815125, -0.25001609325408936, 0.2000219225883484),
    *(
        -0.16608071327209473,
        0.14178466796875,
        -0.13255316019058228,
        0.12918613851070404,
        -0.07580775767564774,
    ),
)
R = (
    *(0.6666666666666735, 0.3999999999940914, 0.2857142874377944, 0.22222198414883598),
    *(0.1818357331470725, 0.15313802032449442, 0.1479861382592294),
)

U: Mapping[str, tuple[float, ...]] = {
    "float": (
        *(-0.49999934434890747, 0.3333054780960083, -0.24958914518356323, 0.19696976244449615),
        *(-0.15359820425510406, 0.10687976330518723, -0.05773751810193062, 0.020243505015969276),
        -0.003327118931338191,
    ),
    "double": (
        *(-0.49999999999999456, 0.3333333333323438, -0.2499999999363802, 0.19999999790248002),
        *(-0.1666666248086558, 0.1428565870702802, -0.12499478172615884, 0.11107498008491054),
        *(-0.09980981557450387, 0.09013046742408751, -0.0808094569982024, 0.07035026344165192),
        *(-0.057494194676172304, 0.042290886809254476, -0.02673557739142833, 0.013832839606728608),
        *(-0.005540233475868047, 0.001594752184586909, -0.00029155218199943634, 2.530947298512922e-05),
    ),
}


def log(lanes: Lanes, u: str) -> str:
    """log u; −∞ at 0, NaN below."""
    k, m = split_scaled(lanes, u)
    f = lanes.strict("fsub", m, lanes.const(1.0))
    return at_ends(lanes, u, logarithm(lanes, f, k), u, 0.0)


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


def split_scaled(lanes: Lanes, u: str) -> tuple[str, str]:
    """k and m of `split` for every finite u > 0: subnormal ones are made larger first."""
    layout = LAYOUTS[lanes.kind]
    few = lanes.compare("olt", u, lanes.const(layout.smallest_normal))
    lift = layout.fraction + 2
    scaled = lanes.select(few, lanes.strict("fmul", u, lanes.const(2.0**lift)), u)
    k, m = split(lanes, scaled)
    return lanes.strict("fsub", k, lanes.select(few, lanes.const(lift), lanes.const(0.0))), m


def split(lanes: Lanes, u: str) -> tuple[str, str]:
    """k as a real and m with u = 2ᵏ·m, √½ ≤ m < √2, for normal u > 0."""
    layout = LAYOUTS[lanes.kind]
    root = round(math.sqrt(0.5) * 2 ** (layout.fraction + 1)) + ((layout.bias - 2) << layout.fraction)
    moved = lanes.whole("add", lanes.bits_of(u), lanes.iconst(layout.one - root))
    power = lanes.whole("lshr", moved, lanes.iconst(layout.fraction))
    rest = lanes.whole("and", moved, lanes.iconst((1 << layout.fraction) - 1))
    m = lanes.real_of(lanes.whole("add", rest, lanes.iconst(root)))
    border = (layout.bias + layout.fraction) << layout.fraction  # the bits of 2^fraction
    counted = lanes.real_of(lanes.whole("or", power, lanes.iconst(border)))
    return lanes.strict("fsub", counted, lanes.const(2.0**layout.fraction + layout.bias)), m


def logarithm(lanes: Lanes, f: str, k: str) -> str:
    """k·log 2 + log(1 + f) for √½ ≤ 1 + f ≤ √2."""
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
    outside = lanes.select(lanes.compare("oeq", u, border), lanes.const(-math.inf), lanes.const(math.nan))
    return lanes.select(lanes.compare("ugt", u, border), found, outside)
