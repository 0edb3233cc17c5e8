"""Operator norms ‖A‖₂ that are never below the true ones.

A small matrix goes through its Gram matrix, whose largest eigenvalue is right to round-off; a convolution
that is too large for that is bounded by its Fourier transform on a torus that holds the padded sample.
"""

from math import inf, isfinite, prod, sqrt
from typing import Any

import numpy as np

from deltaplan.compiler.steps import Conv, slots_of
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array

SIDE = 1500  # of the largest Gram matrix whose eigenvalues are computed (0.5 s)
SMALL = 10_000  # numbers of a matrix whose singular values are computed as they are


@dataclass(frozen=True, slots=True)
class Norm:
    """A bound of ‖A‖₂, and whether it is the norm itself, up to round-off."""

    value: float
    exact: bool


def matrix_norm(a: Array) -> Norm:
    """Of a matrix [m, n], scaled, so that squares neither overflow nor vanish."""
    scale = float(np.abs(a).max(initial=0.0))
    if scale == 0 or not isfinite(scale):
        return Norm(scale, scale == 0) if scale == scale else Norm(inf, False)
    a, n = a / scale, max(a.shape)
    if min(a.shape) > SIDE:
        sums = np.abs(a).sum(0).max() * np.abs(a).sum(1).max()  # ‖A‖₂² ≤ ‖A‖₁ ‖A‖∞
        return Norm(_above(scale * min(sqrt(sums), float(np.linalg.norm(a))), n), False)
    if a.size <= SMALL:
        return Norm(_above(scale * float(np.linalg.norm(a, 2)), n), True)
    gram = a @ a.T if a.shape[0] <= a.shape[1] else a.T @ a
    return Norm(_above(scale * sqrt(max(float(np.linalg.eigvalsh(gram)[-1]), 0.0)), n), True)


def _above(value: float, n: int) -> float:
    """The value with the round-off of sums of n numbers added."""
    return value * (1 + 4 * n * 2.0**-53)


def conv_bound(step: Conv, w: Array) -> Norm:
    """A bound of the convolution's norm, whatever the sample's values: the largest over the frequencies of a
    torus that is as wide as the padded sample. With a stride, frequencies that fall together are one block.
    """
    window, x = step.window, slots_of(step)["x"]
    sides = [
        _multiple(n + b + a + r, s)
        for n, b, a, r, s in zip(
            x.shape, window.before, window.after, window.reach, window.stride, strict=False
        )
    ]
    groups = w.reshape(step.groups, w.shape[0] // step.groups, *w.shape[1:])
    largest = max(_group_bound(group, sides, window.dilation, window.stride) for group in groups)
    return Norm(_above(largest, w.size), False)


def _multiple(n: int, stride: int) -> int:
    return -(-n // stride) * stride


def _group_bound(w: Array, sides: list[int], dilation: tuple[int, ...], stride: tuple[int, ...]) -> float:
    """Of one group's kernel [out, *kernel, in]: Ŵ(ω) = Σ W_k e^(−iωk), √(1/s) of the block of aliases."""
    axes = len(sides)
    spread = np.zeros((w.shape[0], *sides, w.shape[-1]))
    for offset in np.ndindex(w.shape[1:-1]):
        at = (o * d for o, d in zip(offset, dilation, strict=True))
        into: tuple[Any, ...] = (slice(None), *at)
        spread[into] = w[(slice(None), *offset)]
    waves = np.moveaxis(np.fft.fftn(spread, axes=range(1, axes + 1)), 0, -2)  # [*sides, out, in]
    shape = [n for side, s in zip(sides, stride, strict=True) for n in (s, side // s)]
    waves = waves.reshape(*shape, *waves.shape[-2:])
    order = [2 * i + 1 for i in range(axes)] + [2 * axes] + [2 * i for i in range(axes)] + [2 * axes + 1]
    blocks = waves.transpose(order).reshape(-1, waves.shape[-2], prod(stride) * waves.shape[-1])
    return float(np.linalg.norm(blocks, 2, axis=(1, 2)).max()) / sqrt(prod(stride))
