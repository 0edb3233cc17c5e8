"""A part of the data as the arrays that a bound plan reads."""

from typing import Any

import numpy as np

from deltaplan.runtime.backends.numpy.bind import target_key
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.dataset import Part
from deltaplan.runtime.data.mapped import is_mapped

FLOAT64 = np.dtype(np.float64)


def arrays_of(part: Part, dtype: np.dtype[Any] = FLOAT64) -> dict[str, Array]:
    """A part's arrays under the keys of `bind`, in the precision that is asked for; what is too large for it
    is infinite. What stands in a file stays there."""
    with np.errstate(over="ignore"):
        found = {name: x if is_mapped(x) else np.ascontiguousarray(x, dtype) for name, x in part.x.items()}
        for name, y in part.y.items():
            kind = np.dtype(np.intp) if y.dtype.kind in "iu" else dtype
            found[target_key(name)] = y if is_mapped(y) else np.ascontiguousarray(y, kind)
    return found
