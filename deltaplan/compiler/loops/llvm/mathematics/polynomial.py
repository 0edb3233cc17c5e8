"""Polynomials of vectors, in orders that differ in how much waits for how much."""

from collections.abc import Sequence

from deltaplan.compiler.loops.llvm.lanes import Lanes


def horner(lanes: Lanes, x: str, coefficients: Sequence[float]) -> str:
    """c₀ + c₁·x + c₂·x² + …: one fused operation a coefficient, one after the other."""
    found = lanes.const(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        found = lanes.fma(found, x, lanes.const(c))
    return found


def halves(lanes: Lanes, x: str, square: str, coefficients: Sequence[float]) -> str:
    """The same by even and odd powers, side by side: half the wait."""
    even = horner(lanes, square, coefficients[::2])
    odd = horner(lanes, square, coefficients[1::2])
    return lanes.fma(odd, x, even)


def pairs(lanes: Lanes, x: str, square: str, coefficients: Sequence[float]) -> str:
    """The same as (c₀ + c₁·x) + (c₂ + c₃·x)·x² + …: half the wait too. Where signs alternate, digits do not
    cancel as they do between the even and the odd powers."""
    linear = [horner(lanes, x, coefficients[i : i + 2]) for i in range(0, len(coefficients), 2)]
    found = linear[-1]
    for term in reversed(linear[:-1]):
        found = lanes.fma(found, square, term)
    return found
