"""The numbers by which a native loop brings outputs back to the units of their targets."""

import numpy as np

from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.preprocessing import TargetColumns


def unit_numbers(columns: TargetColumns, name: str, size: int, target: Array) -> Array:
    """`spread` and `offset` of an output's units, or the `mean` of its targets in them: [size]."""
    scaling = columns.scaling
    if name == "mean":
        rows = target.reshape(-1, target.shape[-1]).astype(np.float64)
        back = scaling.undo(rows) if columns.kind == "real" else rows
        return np.resize(back.mean(axis=1), size)
    return np.resize(np.array(scaling.scales if name == "spread" else scaling.means), size)
