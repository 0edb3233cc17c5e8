"""Which entries of a sparse matrix there are, drawn from a seed.

Each cell of the matrix has a 64-bit key, w0·2³² + w1 of the Philox counter (0, stream, row, column) for the
purpose PATTERN. Each row has the cell with its smallest key; the entries that remain are those of the
smallest keys among all other cells. Equal keys go by row, then by column.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.loops.schedule.tables import Table
from deltaplan.compiler.steps import Pattern
from deltaplan.runtime.random import Purpose, keys

Indices = NDArray[np.intp]
BLOCK = 1 << 20  # keys that are drawn at once


@lru_cache(maxsize=256)
def cells(pattern: Pattern) -> tuple[Indices, Indices]:
    """The rows and the columns of the entries, row by row, each row's columns in order."""
    first: list[Indices] = []
    others, best = np.zeros(0, np.intp), np.zeros(0, np.uint64)
    each = max(1, BLOCK // pattern.columns)
    for begin in range(0, pattern.rows, each):
        count = min(each, pattern.rows - begin)
        drawn = keys(Purpose.PATTERN, pattern.seed, 0, pattern.stream, (count, pattern.columns), begin)
        smallest = np.argmin(drawn, axis=1)
        start = begin * pattern.columns
        first.append(start + np.arange(count) * pattern.columns + smallest)
        places = np.delete(np.arange(drawn.size), first[-1] - start)
        others, best = _smallest(
            np.concatenate([others, start + places]),
            np.concatenate([best, drawn.ravel()[places]]),
            pattern.entries - pattern.rows,
        )
    chosen = np.sort(np.concatenate([*first, others]))
    rows, columns = np.divmod(chosen, pattern.columns)
    rows.flags.writeable = columns.flags.writeable = False
    return rows, columns


def table(wanted: Table) -> NDArray[np.int32]:
    """A pattern as native kernels read it."""
    rows, columns = cells(wanted.pattern)
    lines = rows if wanted.order == "rows" else columns
    order = np.argsort(lines, kind="stable")
    begins = np.searchsorted(lines[order], np.arange(wanted.lines + 1))
    return np.concatenate([begins, rows[order], columns[order], order]).astype(np.int32)


def _smallest(places: Indices, found: NDArray[np.uint64], count: int) -> tuple[Indices, NDArray[np.uint64]]:
    """The places with the smallest keys, in the order of the places."""
    order = np.sort(np.argsort(found, kind="stable")[:count])
    return places[order], found[order]
