"""Convolution without a copy of the patches: a sum over the offsets within the kernel, each of which is one
product of matrices at each place."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from deltaplan.compiler.steps import SLOTS, Conv, Slot, Tensor
from deltaplan.compiler.windows import Reach, reaches
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, Thunk

Parts = dict[Slot, Array]


def convolution(step: Conv, operands: Sequence[Array], out: Array, scratch: Scratch) -> list[Thunk]:
    """The calls of one slot; `operands` are the arrays of the step's inputs."""
    names = [slot for slot in SLOTS if slot != step.slot]
    arrays: Parts = {step.slot: out, **dict(zip(names, operands, strict=True))}
    planes = {slot: plane(step, slot, array) for slot, array in arrays.items()}
    return list({"y": _forward, "x": _transposed, "w": _kernel}[step.slot](step, planes, scratch))


@dataclass(frozen=True, slots=True)
class Term:
    """What one offset within the kernel brings together: x and y [height, width, groups, channels, B] at the
    places that see the sample there, and w [groups, out, channels]. `whole` where all places do."""

    x: Array
    w: Array
    y: Array
    whole: bool


def plane(step: Conv, slot: Slot, array: Array) -> Array:
    """x and y as [height, width, groups, channels, B], w as [groups, out, height, width, channels]."""
    if slot == "w":
        *kernel, channels = array.shape[1:]
        return array.reshape(step.groups, -1, *([1] if len(kernel) == 1 else []), *kernel, channels)
    tensor = _tensor(step, slot)
    sides = tensor.shape[:-1] if len(tensor.shape) == 3 else (1, tensor.shape[0])
    return array.reshape(*sides, step.groups, tensor.shape[-1] // step.groups, -1)


def _tensor(step: Conv, slot: Slot) -> Tensor:
    names = [each for each in SLOTS if each != step.slot]
    return step.output if slot == step.slot else step.inputs[names.index(slot)]


def _terms(step: Conv, planes: Parts) -> list[Term]:
    """One for each offset that sees the sample anywhere; those that do from all places come first."""
    window, x, w, y = step.window.plane(), planes["x"], planes["w"], planes["y"]
    found = []
    for offset in window.offsets():
        seen = reaches(window, offset, x.shape[:2], y.shape[:2])
        if seen:
            whole = all(r.end - r.begin == n for r, n in zip(seen, y.shape[:2], strict=True))
            found.append(Term(x[_numbers(seen)], w[:, :, offset[0], offset[1]], y[_places(seen)], whole))
    return sorted(found, key=lambda term: not term.whole)


def _numbers(seen: tuple[Reach, ...]) -> tuple[slice, ...]:
    return tuple(reach.numbers for reach in seen)


def _places(seen: tuple[Reach, ...]) -> tuple[slice, ...]:
    return tuple(reach.places for reach in seen)


def _forward(step: Conv, planes: Parts, scratch: Scratch) -> Iterator[Thunk]:
    """y = Σ over offsets of w x"""
    terms = _terms(step, planes)
    written = bool(terms) and terms[0].whole
    if written:
        yield _product(terms[0].w, terms[0].x, terms[0].y)
    else:
        yield partial(planes["y"].fill, 0)
    for term in terms[written:]:
        yield from _added(term.w, term.x, term.y, scratch)


def _transposed(step: Conv, planes: Parts, scratch: Scratch) -> Iterator[Thunk]:
    """x = Σ over offsets of wᵀ y"""
    yield partial(planes["x"].fill, 0)
    for term in _terms(step, planes):
        yield from _added(term.w.swapaxes(-1, -2), term.y, term.x, scratch)


def _added(a: Array, b: Array, out: Array, scratch: Scratch) -> Iterator[Thunk]:
    """out += a b, a row of places after the other: what is added is small enough for the cache."""
    product = scratch.take(out.shape[1:])
    for row in range(len(out)):
        yield _product(a, b[row], product)
        yield partial(np.add, out[row], product, out[row])
    scratch.give(product)


def _product(a: Array, b: Array, out: Array) -> Thunk:
    """out = a b; an outer product is one multiplication for each number, without a call of BLAS."""
    return partial(np.multiply if a.shape[-1] == 1 else np.matmul, a, b, out)


def _kernel(step: Conv, planes: Parts, scratch: Scratch) -> Iterator[Thunk]:
    """w = Σ over places of y xᵀ, at each offset"""
    yield partial(planes["w"].fill, 0)
    for term in _terms(step, planes):
        x = term.x.swapaxes(-1, -2)
        products, total = scratch.take((x.shape[1], *term.w.shape)), scratch.take(term.w.shape)
        for row in range(len(x)):
            yield partial(np.matmul, term.y[row], x[row], products)
            yield partial(np.add.reduce, products, 0, None, total)
            yield partial(np.add, term.w, total, term.w)
        scratch.give(products)
        scratch.give(total)
