"""Polynomials of vectors."""

from collections.abc import Sequence

from deltaplan.compiler.loops.llvm.lanes import Lanes


def horner(lanes: Lanes, x: str, coefficients: Sequence[float]) -> str:
    """c₀ + c₁·x + c₂·x² + …: one fused operation a coefficient, one after the other."""
    found = lanes.const(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        found = lanes.fma(found, x, lanes.const(c))
    return found


def halves(lanes: Lanes, x: str, square: str, coefficients: Sequence[float]) -> str:
    """The same by even and odd powers, side by side: one product more, half the wait."""
    even = horner(lanes, square, coefficients[::2])
    odd = horner(lanes, square, coefficients[1::2])
    return lanes.fma(odd, x, even)
