"""Quotients and roots from the processor's 14-bit estimates and Newton's method: several times the speed.

They are for the update of θ, whose divisors are positive and finite: an error of 2 ulp at most there, and NaN
where IEEE gives infinity.
"""

from collections.abc import Callable, Mapping

from deltaplan.compiler.loops.llvm.avx512 import estimate
from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.plugins.expressions import Op


def quotient(lanes: Lanes, a: str, b: str) -> str:
    """a·r and one correction by what is left, with r ≈ 1/b."""
    r = estimate(lanes, "rcp14", b)
    if lanes.bits == 64:
        r = lanes.fma(r, lanes.fma(lanes.neg(b), r, lanes.const(1.0)), r)
    q = lanes.mul(a, r)
    return lanes.fma(lanes.fma(lanes.neg(b), q, a), r, q)


def root(lanes: Lanes, v: str) -> str:
    """v·y and one correction, with y ≈ 1/√v; 0 of 0."""
    y = estimate(lanes, "rsqrt14", v)
    half = lanes.const(0.5)
    if lanes.bits == 64:
        slope = lanes.fma(lanes.mul(lanes.mul(half, v), lanes.neg(y)), y, lanes.const(1.5))
        y = lanes.mul(y, slope)
    s = lanes.mul(v, y)
    s = lanes.fma(lanes.fma(lanes.neg(s), s, v), lanes.mul(half, y), s)
    return lanes.select(lanes.compare("oeq", v, lanes.const(0.0)), v, s)


ESTIMATED: Mapping[Op, Callable[..., str]] = {Op.DIV: quotient, Op.SQRT: root}
