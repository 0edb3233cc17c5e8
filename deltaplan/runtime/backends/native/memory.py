"""Arrays as native code wants them: aligned, of one type, in blocks."""

from typing import Any

import numpy as np

from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import aligned
from deltaplan.runtime.random import Purpose, key

PADDING = 64  # numbers behind an array that vectors may read


def zeros(length: int, dtype: np.dtype[Any]) -> Array:
    """A vector that begins at a cache line, with room behind it."""
    return aligned(length + PADDING, dtype)[:length]


def features_first(data: Array, dtype: np.dtype[Any]) -> Array:
    """[*shape, N] as a vector of features, each for all samples; classes become real numbers."""
    found = zeros(data.size, dtype)
    with np.errstate(over="ignore"):
        found[:] = data.reshape(-1)
    return found


def samples_first(data: Array, dtype: np.dtype[Any]) -> Array:
    """[*shape, N] as a vector of samples, all features of each. What stands so in a file, with room behind
    it, stays there."""
    if isinstance(data, np.memmap) and data.dtype == dtype and data.T.flags.c_contiguous:
        return data.T.reshape(-1)
    found = zeros(data.size, dtype)
    with np.errstate(over="ignore"):
        found.reshape(data.shape[-1], -1)[:] = data.reshape(-1, data.shape[-1]).T
    return found


def in_blocks(data: Array, block: int, dtype: np.dtype[Any]) -> Array:
    """[*shape, N] as blocks of samples, the features of each block one after the other."""
    found = zeros(data.size, dtype)
    rows = data.reshape(-1, data.shape[-1])
    with np.errstate(over="ignore"):
        for begin in range(0, rows.shape[1], block):
            part = rows[:, begin : begin + block]
            found[begin * len(rows) : begin * len(rows) + part.size] = part.reshape(-1)
    return found


def numbers_of(samples: Array, dtype: np.dtype[Any]) -> Array:
    """The numbers of samples as integers in memory for reals: random steps count by their bits."""
    found = zeros(len(samples), dtype)
    found.view(f"u{dtype.itemsize}")[:] = samples
    return found


def counter_of(seed: int, purpose: Purpose) -> Array:
    """The key of random numbers as two 32-bit words, and room for the step."""
    found = aligned(16, np.dtype(np.uint32))
    found[:2] = key(seed, purpose)
    return found
