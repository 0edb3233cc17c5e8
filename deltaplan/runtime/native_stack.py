"""The losses at many θ in one call of the native backend."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from deltaplan.compiler.loops.llvm.stack import table_of, write_stack
from deltaplan.compiler.loops.stack import Stack, stack
from deltaplan.compiler.lower import Trace
from deltaplan.runtime.backends.native.bind import KINDS
from deltaplan.runtime.backends.native.engine import objects_of
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.memory import in_blocks, samples_first, zeros
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.patterns import table


class NativeStack:
    """A trace on fixed data [features, N] as machine code; with `penalty` it gives the objective."""

    def __init__(
        self,
        trace: Trace,
        data: Mapping[str, Array],
        statistics: Array,
        scale: float,
        penalty: bool,
        dtype: np.dtype[np.floating],
    ) -> None:
        target = host()
        samples = next(iter(data.values())).shape[-1]
        made = stack(trace, KINDS[dtype.name], target.schedule(dtype.itemsize), samples, penalty)
        self._dtype = dtype
        write = partial(write_stack, made, target.width)
        self._library = Library(objects_of(write, target), target)
        self._losses = self._library.function("losses", ["i64", "ptr", "ptr", "ptr"])
        self._plane = self._library.function("plane", ["i64", *["ptr"] * 7])
        self._memory = _memory(made, dtype)
        self._memory["statistics"] = zeros(statistics.size, dtype)
        self._memory["statistics"][:] = statistics
        self._memory["scale"][:] = scale
        self._memory |= {found.name: table(found) for found in made.tables}
        by_features = next(iter(made.blocks.values())).axes.by_features
        for leaf in made.leaves:
            array = data[leaf.key]
            own = samples_first(array, dtype) if by_features else in_blocks(array, made.block, dtype)
            self._memory[f"in {leaf.key}"] = own
        self._table = np.array([self._memory[name].ctypes.data for name in table_of(made)], np.uintp)

    def __call__(self, thetas: Array) -> Array:
        """[k] for a stack [k, size]."""
        rows = np.ascontiguousarray(thetas, self._dtype)
        found = np.empty(len(rows), self._dtype)
        self._losses(len(rows), rows.ctypes.data, found.ctypes.data, self._table.ctypes.data)
        return found

    def plane(self, center: Array, first: Array, second: Array, a: Array, b: Array) -> Array:
        """[k] at center + a·first + b·second for a and b [k]."""
        found = np.empty(len(a), self._dtype)
        given = [np.ascontiguousarray(v, self._dtype) for v in (center, first, second, a, b)]
        self._plane(len(a), *(v.ctypes.data for v in (*given, found, self._table)))
        return found


def _memory(made: Stack, dtype: np.dtype[np.floating]) -> dict[str, Array]:
    lanes = made.lanes
    sizes = dict.fromkeys(("sum", "total", "penalty", "results"), lanes) | {"scale": 1}
    sizes |= {"θ": made.size * lanes, "rows": max(made.size, 2) * lanes}  # of θ, or of a and b
    sizes["arena"] = max(program.arena for program in made.programs)
    sizes["scratch"] = max(program.scratch for program in made.programs)
    return {name: zeros(length, dtype) for name, length in sizes.items()}
