"""Eigenvalues and trace of the Hessian of the loss, by its products with vectors."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from deltaplan.plugins.api import Unfit

Vector = np.ndarray[Any, np.dtype[np.float64]]
WHOLE = 150  # parameters up to which the Hessian is written out
PROBES = 30  # of the trace
STEPS = 40  # of Lanczos to the other end


@dataclass(frozen=True, slots=True)
class Curvature:
    """The largest eigenvalues, falling, and the smallest, or a bound of it from above; the trace, with its
    standard error if it was estimated. `steepest` [size] is the unit eigenvector of the largest."""

    top: Vector
    lowest: float
    trace: float
    error: float | None
    steepest: Vector


def curvature(problem: Any, theta: Vector, count: int, random: np.random.Generator) -> Curvature:
    """Exact for few parameters, else by Lanczos and Hutchinson."""
    if theta.size <= max(WHOLE, count + 1):
        return whole(problem, theta, count)
    top, steepest = lanczos(problem, theta, count, random)
    least = lowest(problem, theta, STEPS, random)
    return Curvature(top, least, *hutchinson(problem, theta, PROBES, random), steepest)


def whole(problem: Any, theta: Vector, count: int) -> Curvature:
    """From the Hessian as a matrix."""
    hessian = problem.hvp(theta, np.eye(theta.size))
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    top = values[::-1][:count]
    return Curvature(top, float(values[0]), float(np.trace(hessian)), None, vectors[:, -1])


def lanczos(problem: Any, theta: Vector, count: int, random: np.random.Generator) -> tuple[Vector, Vector]:
    """The largest eigenvalues and the eigenvector of the first (ARPACK's implicitly restarted Lanczos)."""
    eigsh, operator = _scipy(problem, theta)
    values, vectors = eigsh(operator, k=count, which="LA", v0=random.normal(size=theta.size), tol=1e-9)
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order[0]]


def lowest(problem: Any, theta: Vector, steps: int, random: np.random.Generator) -> float:
    """The smallest Ritz value after so many steps of Lanczos: a slope that the Hessian has in some direction,
    so that the smallest eigenvalue is at most this."""
    vector = random.normal(size=theta.size)
    basis, products = np.zeros((0, theta.size)), np.zeros((0, theta.size))
    for _ in range(min(steps, theta.size)):
        left = vector - basis.T @ (basis @ vector)
        left -= basis.T @ (basis @ left)  # twice is enough (Parlett, The Symmetric Eigenvalue Problem)
        if not np.linalg.norm(left) > 1e-9 * np.linalg.norm(vector):
            break
        basis = np.vstack([basis, left / np.linalg.norm(left)])
        vector = problem.hvp(theta, basis[-1])
        products = np.vstack([products, vector])
    small = basis @ products.T
    return float(np.linalg.eigvalsh((small + small.T) / 2)[0])


def hutchinson(problem: Any, theta: Vector, probes: int, random: np.random.Generator) -> tuple[float, float]:
    """The mean of vᵀHv over vectors of ±1, whose expectation is the trace, and its standard error
    (Hutchinson, 1989)."""
    signs = random.choice([-1.0, 1.0], size=(probes, theta.size))
    found = np.array([v @ problem.hvp(theta, v) for v in signs])
    return float(found.mean()), float(found.std(ddof=1) / sqrt(probes))


def _scipy(problem: Any, theta: Vector) -> tuple[Any, Any]:
    try:
        from scipy.sparse.linalg import LinearOperator, eigsh
    except ImportError:
        raise Unfit("needs scipy for so many parameters", "pip install 'deltaplan[lab]'") from None
    size = theta.size
    return eigsh, LinearOperator((size, size), matvec=lambda v: problem.hvp(theta, v.ravel()), dtype=float)
