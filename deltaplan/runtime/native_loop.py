"""A training loop in machine code, as its caller sees it: what it is for, and the arrays it works on."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.loops.schedule.tables import Table
from deltaplan.records import dataclass
from deltaplan.runtime.backends.native.memory import zeros
from deltaplan.runtime.backends.numpy.expressions import Array

ROOM = 4096  # records that the loop may write before they are read
FLOAT64, INT64 = np.dtype(np.float64), np.dtype(np.int64)
KINDS = {"float32": "float", "float64": "double"}
OF_FLOAT64 = ("ahead", "ahead out", "records", "watched totals", "results", "units of float64")
OF_INT64 = ("order", "work", "signal")


@dataclass(frozen=True, slots=True)
class NativeLoop:
    """The object files of a loop with what it takes to run it.

    `sizes` are the numbers in each array of its table, in order; data are put in place of arrays without any.
    It is for `samples` samples in batches of `batch` (None: all), those of `counts` in a step; `leaves` are
    the keys of their data. A batch is cut into `chunks`, each where it begins and its size, and as many as
    `most` threads have work. θ has `size` numbers, and `length` with the running statistics behind it.

    For a record, `validation` samples are looked at, in blocks of `block`; they are the validation part where
    it `checks`. `labels` are what is followed on them, with `units` by output and name: where they lie, and
    how many they are. It `waits` where its caller measures what is followed.
    """

    objects: tuple[bytes, ...]
    sizes: Mapping[str, int]
    size: int
    length: int
    samples: int
    batch: int | None
    counts: tuple[int, ...]
    leaves: tuple[str, ...]
    states: tuple[str, ...]
    random: bool
    tables: tuple[Table, ...]
    chunks: tuple[tuple[int, int], ...]
    most: int
    checks: bool
    validation: int
    block: int
    waits: bool
    labels: tuple[str, ...]
    units: Mapping[tuple[str, str], tuple[int, int]]


class Memory:
    """The arrays that a training loop works on, by the names of its table."""

    def __init__(self, loop: NativeLoop, dtype: np.dtype[np.floating]) -> None:
        kinds = dict.fromkeys(OF_FLOAT64, FLOAT64) | dict.fromkeys(OF_INT64, INT64)
        self._arrays: dict[str, Array] = {
            name: zeros(size, kinds.get(name, dtype)) for name, size in loop.sizes.items()
        }

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __setitem__(self, name: str, array: Array) -> None:
        self._arrays[name] = array

    def table(self) -> NDArray[np.uintp]:
        """The pointers in their order."""
        return np.array([array.ctypes.data for array in self._arrays.values()], np.uintp)
