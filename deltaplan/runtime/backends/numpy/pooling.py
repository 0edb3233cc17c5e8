"""Pooling: one numpy call for each offset within the window, on all places at once."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from deltaplan.compiler.steps import ArgMax, Pool, Tensor, Unpool
from deltaplan.compiler.windows import Reach, Window, reaches
from deltaplan.runtime.backends.numpy.expressions import BOOLEAN, Array, Scratch, Thunk


def pool(step: Pool, x: Array, out: Array) -> list[Thunk]:
    """The sum or maximum over the window."""
    x, out = plane(step.inputs[0], step.window, x), plane(step.output, step.window, out)
    function = np.add if step.kind == "sum" else np.maximum
    return [
        partial(out.fill, 0 if step.kind == "sum" else -np.inf),
        *(partial(function, y, seen, out=y) for seen, y, _ in offsets(step.window, x, out)),
    ]


def unpool(step: Unpool, y: Array, out: Array) -> list[Thunk]:
    """Each number to all that its window sees."""
    y, out = plane(step.inputs[0], step.window, y), plane(step.output, step.window, out)
    return [
        partial(out.fill, 0),
        *(partial(np.add, seen, part, out=seen) for seen, part, _ in offsets(step.window, out, y)),
    ]


def argmax(step: ArgMax, window: Window, x: Array, out: Array, scratch: Scratch) -> Iterator[Thunk]:
    """The place of the first largest number. From the last offset to the first, so that of equal numbers the
    first is written last."""
    x, out = plane(step.inputs[0], window, x), plane(step.output, window, out)
    largest, above = scratch.take(out.shape), scratch.take(out.shape, BOOLEAN)
    yield partial(largest.fill, -np.inf)
    for seen, best, reach in reversed([*offsets(window, x, largest)]):
        index, at = out[_places(reach)], above[_places(reach)]
        yield partial(np.greater_equal, seen, best, at)
        yield partial(np.maximum, best, seen, out=best)
        yield partial(np.copyto, index, _indices(reach, x.shape[1]), where=at)
    scratch.give(largest)
    scratch.give(above)


def plane(tensor: Tensor, window: Window, array: Array) -> Array:
    """[height, width, channels, B]"""
    sides = tensor.shape[: window.axes] if window.axes == 2 else (1, tensor.shape[0])
    return array.reshape(*sides, tensor.shape[-1], -1)


def offsets(window: Window, wide: Array, narrow: Array) -> Iterator[tuple[Array, Array, tuple[Reach, ...]]]:
    """For each offset what the places see of the wide array, and these places of the narrow one."""
    flat = window.plane()
    for offset in flat.offsets():
        reach = reaches(flat, offset, wide.shape[:2], narrow.shape[:2])
        if reach:
            yield wide[tuple(r.numbers for r in reach)], narrow[_places(reach)], reach


def _places(reach: tuple[Reach, ...]) -> tuple[slice, ...]:
    return tuple(r.places for r in reach)


def _indices(reach: tuple[Reach, ...], width: int) -> Array:
    """Where the places see the sample, counted row by row."""
    rows, columns = (np.arange(r.numbers.start, r.numbers.stop, r.stride) for r in reach)
    return np.ascontiguousarray((rows[:, None] * width + columns)[:, :, None, None])
