"""The arrays that a native training loop works on."""

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.loops.llvm.control import COLUMNS
from deltaplan.compiler.loops.llvm.order import LANES, buckets
from deltaplan.compiler.loops.llvm.sharing import Signal
from deltaplan.compiler.loops.llvm.train import tables
from deltaplan.compiler.loops.parallel import Parallel
from deltaplan.compiler.loops.training import Training
from deltaplan.compiler.loops.update import AHEAD
from deltaplan.runtime.backends.native.memory import zeros
from deltaplan.runtime.backends.numpy.expressions import Array

ROOM = 4096  # records that the loop may write before they are read
FLOAT64, INT64 = np.dtype(np.float64), np.dtype(np.int64)


class Memory:
    """The arrays that a training loop works on, by the names of its table."""

    def __init__(self, training: Training, dtype: np.dtype[np.floating]) -> None:
        self._names = tables(training)
        self._arrays: dict[str, Array] = {}
        sizes = _sizes(training)
        kinds = {"ahead": FLOAT64, "ahead out": FLOAT64, "records": FLOAT64, "order": INT64, "work": INT64}
        kinds["signal"] = INT64
        kinds |= dict.fromkeys(("watched totals", "results", "units of float64"), FLOAT64)
        for name in self._names:
            self._arrays[name] = zeros(sizes.get(name, 0), kinds.get(name, dtype))

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __setitem__(self, name: str, array: Array) -> None:
        self._arrays[name] = array

    def table(self) -> NDArray[np.uintp]:
        """The pointers in their order."""
        return np.array([self._arrays[name].ctypes.data for name in self._names], np.uintp)


def _sizes(t: Training) -> dict[str, int]:
    """How many numbers each array has; data are put in place of arrays without any."""
    full = max(t.counts)
    found = dict.fromkeys(("g", *(f"state {s}" for s in t.states)), t.size)
    found |= dict.fromkeys(("θ", "θ other", "best"), t.length)
    found["records"] = ROOM * (len(COLUMNS) + len(t.labels))
    if t.watched:
        found |= dict.fromkeys(("watched", "watched totals"), t.watched.sums)
        found |= dict.fromkeys(("units", "units of float64"), t.watched.unit_count)
        found["results"] = len(t.labels)
    found["arena"] = max(p.arena for p in t.programs)
    found["scratch"] = max(p.scratch for p in t.programs)
    found["scale"], found["count"], found["scalars"] = len(t.counts), len(t.counts), len(t.scalars.names)
    found["ahead"], found["ahead out"] = 2 * AHEAD + 4 + len(t.scalars.late), AHEAD * len(t.scalars.early)
    if t.batch is not None:
        found["order"] = t.samples + LANES
        found["work"] = 2 * (t.samples + LANES) + (1 << buckets(t.samples)) + 1
        found["samples"] = full
        for leaf in t.leaves:
            found[f"in {leaf.key}"] = found[f"gather {leaf.key}"] = leaf.size * full
    return found | _parts(t.parallel, t) if t.parallel else found


def _parts(p: Parallel, t: Training) -> dict[str, int]:
    """What each chunk has for itself, and what they share."""
    found = {"common": p.common, "norms": len(p.combine), "sums": p.sums, "signal": int(Signal.SIZE)}
    chunk = max(p.passes)
    for c in range(p.most):
        found[f"arena@{c}"] = max(q.arena for q in p.passes.values())
        found[f"scratch@{c}"] = max(q.scratch for q in p.passes.values())
        found[f"g@{c}"], found[f"sums@{c}"], found[f"samples@{c}"] = t.size, p.sums, chunk
        for leaf in t.leaves if t.batch is not None else ():
            found[f"in {leaf.key}@{c}"] = found[f"gather {leaf.key}@{c}"] = leaf.size * chunk
    return found
