"""Adaptive Gauss-Legendre quadrature."""

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise

Function = Callable[[list[float]], list[float]]

NODES = 12
PANEL = 4.0  # the widest panel to begin with, so that a narrow bump is not stepped over
DEEPEST = 40
SMALL = 1e-14  # of the whole: no panel needs to be better


@cache
def rule(n: int) -> tuple[tuple[float, float], ...]:
    """Points and weights on [-1, 1], by Newton's method on the Legendre polynomial's recurrence."""
    return tuple(_point(n, i) for i in range(n))


def _point(n: int, i: int) -> tuple[float, float]:
    x = math.cos(math.pi * (i + 0.75) / (n + 0.5))
    for _ in range(6):
        p, slope = _legendre(n, x)
        x -= p / slope
    _, slope = _legendre(n, x)
    return x, 2 / ((1 - x * x) * slope * slope)


def _legendre(n: int, x: float) -> tuple[float, float]:
    """The polynomial of degree n and its derivative."""
    before, p = 1.0, x
    for k in range(2, n + 1):
        before, p = p, ((2 * k - 1) * x * p - (k - 1) * before) / k
    return p, n * (x * p - before) / (x * x - 1)


def integral(f: Function, low: float, high: float) -> float:
    """∫ f over a finite range, f smooth inside; f takes many points at once."""
    count = math.ceil((high - low) / PANEL)
    ends = [low + (high - low) * i / count for i in range(count + 1)]
    panels = [(a, b, _gauss(f, a, b), 0) for a, b in pairwise(ends)]
    scale = math.fsum(abs(value) for _, _, value, _ in panels)
    total: list[float] = []
    while panels:
        a, b, value, depth = panels.pop()
        middle = (a + b) / 2
        left, right = _gauss(f, a, middle), _gauss(f, middle, b)
        if depth == DEEPEST or not abs(left + right - value) > SMALL * max(scale, abs(left + right)):
            total.append(left + right)
        else:
            panels += [(a, middle, left, depth + 1), (middle, b, right, depth + 1)]
    return math.fsum(total)


def _gauss(f: Function, a: float, b: float) -> float:
    half, middle = (b - a) / 2, (a + b) / 2
    values = f([middle + half * x for x, _ in rule(NODES)])
    return half * math.fsum(w * v for (_, w), v in zip(rule(NODES), values, strict=True))
