"""Products with a sparse matrix: some rows at a time, so that what is gathered stays small."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from deltaplan.compiler.steps import Sparse
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, Thunk
from deltaplan.runtime.patterns import Indices, cells

GATHERED = 1 << 16  # numbers at once


def sparse(step: Sparse, operands: Sequence[Array], out: Array, scratch: Scratch) -> list[Thunk]:
    """The calls of one slot; `operands` are the arrays of the step's inputs."""
    rows, columns = cells(step.pattern)
    if step.slot == "w":
        x, y = (_matrix(array) for array in operands)
        return list(_entries(rows, columns, y, x, out, scratch))
    if step.slot == "y":
        x, w = operands
        return list(_product(rows, columns, w, _matrix(x), _matrix(out), scratch))
    w, y = operands
    order = np.argsort(columns, kind="stable")
    entries = scratch.take(w.shape)
    found: list[Thunk] = [partial(w.take, order, None, entries, "clip")]
    found += _product(columns[order], rows[order], entries, _matrix(y), _matrix(out), scratch)
    scratch.give(entries)
    return found


def _matrix(array: Array) -> Array:
    return array.reshape(len(array), -1)


def _product(
    rows: Indices, columns: Indices, w: Array, x: Array, out: Array, scratch: Scratch
) -> Iterator[Thunk]:
    """out[i] = Σ w x[column] over the entries of row i; `rows` are in order, and a row may have none."""
    present, begins = np.unique(rows, return_index=True)
    if len(present) < len(out):
        yield partial(out.fill, 0)
    ends = np.append(begins[1:], len(rows))
    for first, last in _chunks(ends - begins, x.shape[1]):
        begin, end = begins[first], ends[last - 1]
        gathered = scratch.take((end - begin, x.shape[1]))
        sums = scratch.take((last - first, x.shape[1]))
        yield partial(x.take, columns[begin:end], 0, gathered, "clip")
        yield partial(np.multiply, gathered, w[begin:end, None], gathered)
        yield partial(np.add.reduceat, gathered, begins[first:last] - begin, 0, None, sums)
        yield partial(out.__setitem__, present[first:last], sums)
        scratch.give(gathered)
        scratch.give(sums)


def _entries(
    rows: Indices, columns: Indices, y: Array, x: Array, out: Array, scratch: Scratch
) -> Iterator[Thunk]:
    """out[e] = y[row] · x[column] of each entry, over the samples."""
    for begin, end in _chunks(np.ones(len(rows), np.intp), x.shape[1]):
        left, right = (scratch.take((end - begin, x.shape[1])) for _ in range(2))
        yield partial(y.take, rows[begin:end], 0, left, "clip")
        yield partial(x.take, columns[begin:end], 0, right, "clip")
        yield partial(np.multiply, left, right, left)
        yield partial(np.add.reduce, left, 1, None, out[begin:end])
        scratch.give(left)
        scratch.give(right)


def _chunks(lengths: Indices, width: int) -> Iterator[tuple[int, int]]:
    """Ranges of neighbours whose lengths, times the width, stay small together."""
    totals, begin = np.cumsum(lengths) * width, 0
    while begin < len(lengths):
        done = totals[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(totals, done + GATHERED, side="right")))
        yield begin, end
        begin = end
