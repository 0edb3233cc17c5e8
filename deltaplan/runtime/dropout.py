"""The numbers that random steps of a plan are filled with."""

import numpy as np
from numpy.typing import ArrayLike

from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.random import Purpose, uniform


def fill(out: Array, seed: int, step: int, node: int, samples: ArrayLike | None = None) -> None:
    """Fills `out` [*shape, B] with numbers of [0, 1) that depend on seed, step, node, sample and feature
    alone; `samples` [B] names the samples, 0, 1, … if None. They have 24 bits, exact in both precisions."""
    batch = out.shape[-1]
    drawn = uniform(Purpose.DROPOUT, seed, step, node, (batch, out.size // batch), samples=samples, bits=24)
    np.copyto(out, drawn.T.reshape(out.shape), casting="same_kind")
