"""Singular values, and which of them are more than rounding."""

from typing import Any

import numpy as np

Matrix = np.ndarray[Any, np.dtype[np.float64]]


def singular_values(matrix: Matrix) -> tuple[Matrix, int]:
    """The singular values, falling, and how many are above rounding: σ > σ₁ · max(sides) · ε, the numerical
    rank."""
    values: Matrix = np.asarray(np.linalg.svd(matrix, compute_uv=False), np.float64)
    return values, int((values > values[0] * max(matrix.shape) * np.finfo(np.float64).eps).sum())
