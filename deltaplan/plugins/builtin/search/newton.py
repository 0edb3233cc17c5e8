"""Newton's direction in a convex problem, whose Hessian may be singular."""

from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.float64]]
SINGULAR = 1e-13  # of the largest eigenvalue, for each row


def direction(hessian: Vector, gradient: Vector) -> Vector:
    """−H⁺g: the shortest solution where there are many."""
    if _is_regular(hessian):
        return np.asarray(-np.linalg.solve(hessian, gradient))
    values, vectors = np.linalg.eigh(hessian)
    kept = values > SINGULAR * len(values) * max(values[-1], 0.0)
    return np.asarray(-(vectors[:, kept] / values[kept]) @ (vectors[:, kept].T @ gradient))


def _is_regular(hessian: Vector) -> bool:
    """Whether it is positive definite by a margin: the squares of a Cholesky factor's diagonal lie between
    the eigenvalues."""
    try:
        pivots = np.diag(np.linalg.cholesky(hessian)) ** 2
    except np.linalg.LinAlgError:
        return False
    return bool(pivots.min() > SINGULAR * len(pivots) * pivots.max())
