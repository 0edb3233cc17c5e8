"""The direction of limited-memory BFGS."""

from collections import deque
from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.float64]]
Pair = tuple[Vector, Vector, float]  # s = Δx, y = Δg, and 1/(yᵀs)


def direction(gradient: Vector, pairs: "deque[Pair]") -> Vector:
    """−Hg, H the inverse Hessian that the pairs tell of (Nocedal and Wright, 2006, algorithm 7.4)."""
    q = -gradient
    weights = []
    for s, y, rho in reversed(pairs):
        weights.append(rho * float(s @ q))
        q = q - weights[-1] * y
    if pairs:
        s, y, rho = pairs[-1]
        q = q / (rho * float(y @ y))
    for (s, y, rho), weight in zip(pairs, reversed(weights), strict=True):
        q = q + (weight - rho * float(y @ q)) * s
    return q


def remember(pairs: "deque[Pair]", s: Vector, y: Vector) -> None:
    """One more pair, unless round-off has taken its curvature."""
    curvature = float(s @ y)
    if curvature > 1e-12 * float(y @ y):
        pairs.append((s, y, 1 / curvature))
