"""One kernel for each primitive: from a step and its arrays to numpy calls that allocate nothing."""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any

import numpy as np

from deltaplan.compiler.steps import (
    ArgMax,
    Conv,
    Map,
    MatMul,
    Pick,
    Place,
    Pool,
    Put,
    Random,
    Reduce,
    Slice,
    Sparse,
    Step,
    Tensor,
    Unpool,
    View,
)
from deltaplan.runtime.backends.numpy import pooling
from deltaplan.runtime.backends.numpy.convolution import convolution
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, Thunk, calls
from deltaplan.runtime.backends.numpy.sparse import sparse

Numbers = Callable[[Random, Array], None]  # fills an array [*shape, B] with the numbers of a random step
Arrays = Callable[[Tensor], Array]


def matmul(step: MatMul, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    a, b = (_matrix(tensor, array(tensor)) for tensor in step.inputs)
    out = _matrix(step.output, array(step.output))
    a, b = a.T if step.transpose_a else a, b.T if step.transpose_b else b
    if a.shape[1] == 1:  # an outer product is one multiplication for each number, without a call of BLAS
        return [partial(np.multiply, _plain(a), b, out)]
    return [partial(np.dot, a, b, out)]


def conv(step: Conv, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    return convolution(step, [array(t) for t in step.inputs], array(step.output), scratch)


def sparse_(step: Sparse, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    return sparse(step, [array(t) for t in step.inputs], array(step.output), scratch)


def pool(step: Pool, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    return pooling.pool(step, array(step.inputs[0]), array(step.output))


def unpool(step: Unpool, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    return pooling.unpool(step, array(step.inputs[0]), array(step.output))


def map_(step: Map, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    rank = len(step.outputs[0].shape)
    batched = step.outputs[0].batched
    arguments = {f"x{i}": _aligned(t, array(t), rank, batched) for i, t in enumerate(step.inputs)}
    return calls(step.expressions, arguments, [_plain(array(t)) for t in step.outputs], scratch)


def reduce(step: Reduce, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    (x,) = step.inputs
    axes = step.axes + ((len(x.shape),) if step.batch else ())
    source, out = array(x), array(step.output)
    if all(source.shape[axis] == 1 for axis in axes):
        return [partial(np.copyto, out, source.reshape(out.shape))]
    if step.kind == "sum" and axes == (1,) and source.ndim == 2:
        return [partial(np.dot, source, np.ones(source.shape[1], source.dtype), out)]  # BLAS sums rows faster
    function = np.add.reduce if step.kind == "sum" else np.maximum.reduce
    return [partial(function, source, axes, None, out)]


def slice_(step: Slice, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    source = _range(array(step.inputs[0]), step.axis, step.begin, step.end)
    source = np.flip(source, step.axis) if step.reverse else source
    return [partial(np.copyto, array(step.output), source)]


def place(step: Place, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    out = array(step.output)
    covered = sum(t.shape[step.axis] for t in step.inputs)
    found: list[Thunk] = [] if covered == out.shape[step.axis] else [partial(out.fill, 0)]
    for tensor, begin in zip(step.inputs, step.begins, strict=True):
        part = _range(out, step.axis, begin, begin + tensor.shape[step.axis])
        found.append(partial(np.copyto, part, array(tensor)))
    return found


def pick(step: Pick, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    source, index = _gathered(step.inputs[0], step, array)
    columns, width, flat = np.arange(index.shape[1]), np.asarray(index.shape[1]), np.empty_like(index)
    return [
        partial(np.multiply, index, width, flat),
        partial(np.add, flat, columns, flat),
        partial(source.reshape(-1).take, flat, None, array(step.output).reshape(flat.shape), "clip"),
    ]


def put(step: Put, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    out, index = _gathered(step.output, step, array)
    value, columns = array(step.inputs[0]).reshape(index.shape), np.arange(index.shape[1])
    scatter = _scatter if len(index) == 1 else _scatter_add
    return [partial(out.fill, 0), partial(scatter, out, index, columns, value)]


def _gathered(tensor: Tensor, step: Pick | Put, array: Arrays) -> tuple[Array, Array]:
    """What is picked from, as [numbers, columns], and the index as [places, columns]: a column for each
    number of the axes that are not picked over, and each sample."""
    count = prod(tensor.shape[: step.axes])
    return array(tensor).reshape(count, -1), array(step.inputs[1]).reshape(-1, array(tensor).size // count)


def _scatter(out: Array, index: Array, columns: Array, value: Array) -> None:
    out[index, columns] = value


def _scatter_add(out: Array, index: Array, columns: Array, value: Array) -> None:
    np.add.at(out.reshape(-1), (index * len(columns) + columns).reshape(-1), value.reshape(-1))


def argmax(step: ArgMax, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    source, out = array(step.inputs[0]), array(step.output)
    if step.window:
        return list(pooling.argmax(step, step.window, source, out, scratch))
    return [partial(np.argmax, source.reshape(len(source), -1), 0, out.reshape(-1))]


def random(step: Random, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    return [partial(numbers, step, array(step.output))]


def view(step: View, array: Arrays, scratch: Scratch, numbers: Numbers) -> list[Thunk]:
    return []


KERNELS: Mapping[type[Step], Callable[[Any, Arrays, Scratch, Numbers], list[Thunk]]] = {
    MatMul: matmul,
    Conv: conv,
    Sparse: sparse_,
    Pool: pool,
    Unpool: unpool,
    Map: map_,
    Reduce: reduce,
    Slice: slice_,
    Place: place,
    Pick: pick,
    Put: put,
    ArgMax: argmax,
    Random: random,
    View: view,
}


def _matrix(tensor: Tensor, array: Array) -> Array:
    if tensor.batched:
        return array.reshape(-1, array.shape[-1])
    return array.reshape(tensor.shape[0], -1)


def _aligned(tensor: Tensor, array: Array, rank: int, batched: bool) -> Array:
    """The array with as many axes of the sample as the output has, and a batch axis where that has one."""
    if array.size == 1:
        return _plain(array)
    if tensor.batched:
        return array.reshape((1,) * (rank - len(tensor.shape)) + array.shape)
    return array.reshape((*array.shape, 1)) if batched else array


def _plain(array: Array) -> Array:
    """One number without axes, so that numpy need not broadcast it as a matrix; others as they are."""
    return array.reshape(()) if array.size == 1 else array


def _range(array: Array, axis: int, begin: int, end: int) -> Array:
    return array[(slice(None),) * axis + (slice(begin, end),)]
