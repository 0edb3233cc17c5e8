"""The norm of each sample's gradient."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from deltaplan.compiler.individual import Norms, norms_plan
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.plan import gradient_plan
from deltaplan.compiler.steps import Conv, Shape, Slot, Sparse, flops, slots_of
from deltaplan.compiler.windows import reaches
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.convolution import plane
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.choice import choose

BLOCK = 256  # samples at a time
WORTH = 20_000_000  # operations from which machine code is worth its making


def gradient_norms(trace: Trace, theta: Array, data: Mapping[str, Array]) -> Callable[[], Array]:
    """A function that gives ‖∇ℓ‖ of each sample, [N], on fixed data [features, N]; `theta`, with its
    statistics, is read where it lies, at each call."""
    norms, samples = norms_plan(trace), next(iter(data.values())).shape[-1]
    if norms is None:
        return _OneByOne(trace, theta, data)
    if _has_code(norms) and sum(flops(step, samples) for step in norms.plan.steps) >= WORTH:
        return choose(None, lambda: _native(norms, theta, data), lambda: _in_blocks(norms, theta, data))[0]
    return _in_blocks(norms, theta, data)


def _has_code(norms: Norms) -> bool:
    """Kernels are left to numpy, and the code of predictions holds no patterns."""
    return not norms.kernels and not any(isinstance(step, Sparse) for step in norms.plan.steps)


def _native(norms: Norms, theta: Array, data: Mapping[str, Array]) -> Callable[[], Array]:
    from deltaplan.runtime.native_norms import NativeNorms

    return NativeNorms(norms, theta, data)


def _in_blocks(norms: Norms, theta: Array, data: Mapping[str, Array]) -> Callable[[], Array]:
    return _InBlocks(norms, theta, data)


class _InBlocks:
    """Of so many samples at a time: memory does not grow with their number."""

    def __init__(self, norms: Norms, theta: Array, data: Mapping[str, Array]) -> None:
        self._norms, self._data = norms, data
        self._count = next(iter(data.values())).shape[-1]
        sizes = {min(BLOCK, self._count - begin) for begin in range(0, self._count, BLOCK)}
        self._bounds = {size: bind(norms.plan, {"θ": theta}, size) for size in sizes}

    def __call__(self) -> Array:
        return np.concatenate([self._of(begin) for begin in range(0, self._count, BLOCK)])

    def _of(self, begin: int) -> Array:
        bound = self._bounds[min(BLOCK, self._count - begin)]
        _run(bound, self._data, begin)
        squared = np.array(np.broadcast_to(bound[self._norms.squared], bound.program.batch))
        for steps in self._norms.kernels:
            squared += _of_kernel(steps, bound)
        norm: Array = np.sqrt(squared)
        return norm


class _OneByOne:
    """The gradient of each sample alone."""

    def __init__(self, trace: Trace, theta: Array, data: Mapping[str, Array]) -> None:
        self._data, self._gradient = data, np.zeros(trace.size, theta.dtype)
        vectors = {"θ": theta, "g": self._gradient}
        self._bound = bind(gradient_plan(trace, of_loss=True), vectors, 1)

    def __call__(self) -> Array:
        count = next(iter(self._data.values())).shape[-1]
        return np.array([self._of(n) for n in range(count)])

    def _of(self, n: int) -> float:
        _run(self._bound, self._data, n)
        return float(np.linalg.norm(self._gradient))


def _run(bound: Bound, data: Mapping[str, Array], begin: int) -> None:
    """On the samples from `begin` on."""
    for name, array in bound.data.items():
        array[...] = data[name][..., begin : begin + bound.program.batch]
    bound.run()


def _of_kernel(steps: Sequence[Conv], bound: Bound) -> Array:
    """‖Σ over steps and places of y xᵀ‖² of each sample: what a kernel gets, one offset at a time."""
    planes: list[dict[Slot, Array]] = [
        {slot: plane(step, slot, bound[tensor]) for slot, tensor in slots_of(step).items() if slot != "w"}
        for step in steps
    ]
    total = np.zeros(bound.program.batch, bound.program.dtype)
    for offset in steps[0].window.plane().offsets():
        parts = [_at_offset(step, p, offset) for step, p in zip(steps, planes, strict=True)]
        seen = [part for part in parts if part is not None]
        if seen:
            total += np.square(sum(seen[1:], seen[0])).sum((1, 2, 3))
    return total


def _at_offset(step: Conv, planes: Mapping[Slot, Array], offset: Shape) -> Array | None:
    """Σ over places of y xᵀ at one offset within the kernel: [B, groups, out, channels]."""
    x, y = planes["x"], planes["y"]
    seen = reaches(step.window.plane(), offset, x.shape[:2], y.shape[:2])
    if not seen:
        return None
    y = y[tuple(reach.places for reach in seen)]
    x = x[tuple(reach.numbers for reach in seen)]
    *_, groups, out, batch = y.shape
    left = y.reshape(-1, groups, out, batch).transpose(3, 1, 2, 0)
    right = x.reshape(-1, groups, x.shape[3], batch).transpose(3, 1, 0, 2)
    products: Array = np.matmul(np.ascontiguousarray(left), np.ascontiguousarray(right))
    return products
