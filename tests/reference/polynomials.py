"""The minimax polynomials of deltaplan/compiler/loops/llvm/mathematics: prints their coefficients.

Lawson's method: least squares whose weights are multiplied by the error at each point, until the largest
errors are alike. Then one coefficient after the other is rounded to the format and the rest fitted again. It
takes half a minute. The last coefficients of sin were then raised by 5e-5 and 6e-6 of their size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import mpmath
import numpy as np

mp = mpmath.mp.clone()
mp.prec = 260
Real = Callable[[mpmath.mpf], mpmath.mpf]
ROUNDS = 40


@dataclass(frozen=True)
class Fit:
    """`count` coefficients for a function on [begin, end], whose error counts times `weight`."""

    name: str
    kind: str
    count: int
    function: Real
    weight: Real
    begin: float
    end: float

    def points(self) -> list[mpmath.mpf]:
        """Chebyshev's, which avoid the ends; none is 0, where the functions need limits."""
        n = max(6 * self.count, 60)
        middle, reach = (mp.mpf(self.end) + self.begin) / 2, (mp.mpf(self.end) - self.begin) / 2
        return [middle - reach * mp.cos(mp.pi * (k + mp.mpf("0.5003")) / n) for k in range(n)]


def coefficients(fit: Fit) -> list[float]:
    """The rounded coefficients, of x⁰ first."""
    found: list[float] = []
    points = fit.points()
    values = [fit.function(x) for x in points]
    weights = [fit.weight(x) for x in points]
    while len(found) < fit.count:
        left = [y - polynomial(found, x) for x, y in zip(points, values, strict=True)]
        best = minimax(points, left, weights, len(found), fit.count)
        found.append(rounded(best[0], fit.kind))
    return found


def minimax(points, values, weights, lowest: int, end: int) -> list[mpmath.mpf]:
    """The coefficients of xᵏ, lowest ≤ k < end, that make the largest weighted error least."""
    rows = [[w * x**k for k in range(lowest, end)] for x, w in zip(points, weights, strict=True)]
    right = [w * y for w, y in zip(weights, values, strict=True)]
    share = [mp.mpf(1)] * len(points)
    best, least = [], mp.inf
    for _ in range(ROUNDS):
        found = least_squares(rows, right, share)
        errors = [abs(mp.fdot(row, found) - y) for row, y in zip(rows, right, strict=True)]
        if max(errors) < least:
            best, least = found, max(errors)
        share = [s * e for s, e in zip(share, errors, strict=True)]
        total = sum(share)
        share = [s / total for s in share]
    return best


def least_squares(rows, right, share) -> list[mpmath.mpf]:
    count = len(rows[0])
    scaled = [[s * value for value in row] for s, row in zip(share, rows, strict=True)]
    columns, scaled_columns = list(zip(*rows, strict=True)), list(zip(*scaled, strict=True))
    matrix = mp.matrix(count, count)
    for i in range(count):
        for j in range(i, count):
            matrix[i, j] = matrix[j, i] = mp.fdot(scaled_columns[i], columns[j])
    return list(mp.lu_solve(matrix, mp.matrix([mp.fdot(column, right) for column in scaled_columns])))


def rounded(value: mpmath.mpf, kind: str) -> float:
    return float(np.float32(float(value))) if kind == "float" else float(value)


def polynomial(found: list[float], x: mpmath.mpf) -> mpmath.mpf:
    return mp.fsum(mp.mpf(c) * x**k for k, c in enumerate(found))


def largest_error(fit: Fit, found: list[float]) -> mpmath.mpf:
    return max(abs(fit.weight(x) * (polynomial(found, x) - fit.function(x))) for x in fit.points())


LOG2, C = mp.log(2), 2 / mp.sqrt(mp.pi)
FIRST = 2 / LOG2
STEEPEST = mp.mpf("0.5") / mp.mpf("2.5")  # (m − 1)/(m + 1) of the largest m


def exponential(kind: str, count: int) -> Fit:
    def function(r):
        return (mp.expm1(r) - r) / r**2

    return Fit("exp: Q", kind, count, function, lambda r: r**2 / abs(mp.expm1(r)), -0.34665, 0.34665)


def logarithm(kind: str, count: int) -> Fit:
    def function(f):
        return (mp.log1p(f) - f) / f**2

    return Fit("log: P", kind, count, function, lambda f: f**2 / abs(mp.log1p(f)), -0.25, 0.5)


def quotient_logarithm(kind: str, count: int) -> Fit:
    """log((1 + s)/(1 − s)) = 2s + s·z·R(z), z = s²."""

    def function(z):
        s = mp.sqrt(z)
        return (2 * mp.atanh(s) / s - 2) / z

    def weight(z):
        return z * mp.sqrt(z) / (2 * mp.atanh(mp.sqrt(z)))

    return Fit("log: R", kind, count, function, weight, 0, STEEPEST**2)


def logarithm_of_unit(kind: str, count: int) -> Fit:
    def function(e):
        return (mp.log1p(e) - e) / e**2

    return Fit("logaddexp: U", kind, count, function, lambda e: e**2 / mp.log1p(e), 0, 1)


def sine(kind: str, count: int) -> Fit:
    def function(z):
        r = mp.sqrt(z)
        return (mp.sin(r) - r) / r**3

    reach = mp.pi / 2 * (mp.mpf("1.03") if kind == "float" else mp.mpf("1.001"))
    return Fit("sin: S", kind, count, function, lambda z: mp.sqrt(z) ** 3 / mp.sin(mp.sqrt(z)), 0, reach**2)


def error_near(kind: str, count: int, border: float) -> Fit:
    def function(z):
        x = mp.sqrt(z)
        return mp.erf(x) / x - 1

    return Fit("erf: near", kind, count, function, lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)), 0, border**2)


def error_far(kind: str, count: int, begin: float, end: float) -> Fit:
    def function(x):
        return mp.log(mp.erfc(x))

    return Fit("erf: far", kind, count, function, lambda x: mp.erfc(x) / mp.erf(x), begin, end)


def binary_logarithm(kind: str, count: int) -> Fit:
    def function(z):
        s = mp.sqrt(z)
        return ((FIRST * mp.atanh(s) / s - FIRST) / z - FIRST / 3) / z

    def weight(z):
        return z**2 * mp.sqrt(z) / (FIRST * mp.atanh(mp.sqrt(z)))

    return Fit("pow: L", kind, count, function, weight, 0, STEEPEST**2)


def binary_exponential(kind: str, count: int) -> Fit:
    def function(f):
        return mp.expm1(f * LOG2) / f

    return Fit("pow: E", kind, count, function, lambda f: abs(f) / mp.mpf(2) ** f, -0.501, 0.501)


def fits() -> Iterator[Fit]:
    for kind, counts in (("float", (5, 4, 9, 3, 6)), ("double", (10, 8, 20, 8, 11))):
        exp, sin, unit, log2, exp2 = counts
        yield exponential(kind, exp)
        yield sine(kind, sin)
        yield logarithm_of_unit(kind, unit)
        yield binary_logarithm(kind, log2)
        yield binary_exponential(kind, exp2)
    yield logarithm("float", 9)
    yield quotient_logarithm("double", 7)
    yield error_near("float", 7, 1.0)
    yield error_far("float", 7, 1.0, 3.92)
    yield error_near("double", 13, 1.2)
    yield error_far("double", 15, 1.2, 5.8637)


def main() -> None:
    for fit in fits():
        found = coefficients(fit)
        print(f"{fit.name}, {fit.kind}: error 2^{float(mp.log(largest_error(fit, found), 2)):.1f}")
        print(f"    {found}", flush=True)


if __name__ == "__main__":
    main()
