"""Quotients and roots from the processor's 14-bit estimates and Newton's method: several times the speed.

They are for the update of θ, whose divisors are positive and finite: an error of 2 ulp at most there, and NaN
where IEEE gives infinity.
"""

from collections.abc import Callable, Mapping

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.plugins.expressions import Op

WIDTHS = {32: 16, 64: 8}  # numbers in a vector of 512 bits
SUFFIX = {32: "ps", 64: "pd"}


def quotient(lanes: Lanes, a: str, b: str) -> str:
    """a·r and one correction by what is left, with r ≈ 1/b."""
    r = _estimate(lanes, "rcp14", b)
    if lanes.bits == 64:
        r = lanes.fma(r, lanes.fma(lanes.neg(b), r, lanes.const(1.0)), r)
    q = lanes.mul(a, r)
    return lanes.fma(lanes.fma(lanes.neg(b), q, a), r, q)


def root(lanes: Lanes, v: str) -> str:
    """v·y and one correction, with y ≈ 1/√v; 0 of 0."""
    y = _estimate(lanes, "rsqrt14", v)
    half = lanes.const(0.5)
    if lanes.bits == 64:
        slope = lanes.fma(lanes.mul(lanes.mul(half, v), lanes.neg(y)), y, lanes.const(1.5))
        y = lanes.mul(y, slope)
    s = lanes.mul(v, y)
    s = lanes.fma(lanes.fma(lanes.neg(s), s, v), lanes.mul(half, y), s)
    return lanes.select(lanes.compare("oeq", v, lanes.const(0.0)), v, s)


def _estimate(lanes: Lanes, name: str, value: str) -> str:
    """The estimate, in native vectors put side by side."""
    text, width = lanes.text, WIDTHS[lanes.bits]
    if lanes.count == width:
        return _native(lanes, name, value)
    one = Lanes(text, lanes.kind, width, lanes.fma_here)
    parts = []
    for begin in range(0, lanes.count, width):
        mask = ", ".join(f"i32 {begin + i}" for i in range(width))
        part = text.value(
            f"shufflevector {lanes.type} {value}, {lanes.type} poison, <{width} x i32> <{mask}>"
        )
        parts.append(_native(one, name, part))
    while len(parts) > 1:
        half = lanes.count // len(parts)
        kind = f"<{half} x {lanes.kind}>"
        mask = ", ".join(f"i32 {i}" for i in range(2 * half))
        parts = [
            text.value(f"shufflevector {kind} {a}, {kind} {b}, <{2 * half} x i32> <{mask}>")
            for a, b in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]


def _native(lanes: Lanes, name: str, value: str) -> str:
    function = f"@llvm.x86.avx512.{name}.{SUFFIX[lanes.bits]}.512"
    mask = f"i{lanes.count}"
    lanes.text.declare(f"{lanes.type} {function}({lanes.type}, {lanes.type}, {mask})")
    return lanes.text.value(
        f"call {lanes.type} {function}({lanes.type} {value}, {lanes.type} zeroinitializer, {mask} -1)"
    )


def fits(lanes: Lanes) -> bool:
    """Whether vectors of so many lanes are whole native ones."""
    return lanes.count % WIDTHS[lanes.bits] == 0 and lanes.count & (lanes.count - 1) == 0


ESTIMATED: Mapping[Op, Callable[..., str]] = {Op.DIV: quotient, Op.SQRT: root}
