"""Steps bound to memory: a list of numpy calls, made once and run many times."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deltaplan.compiler.buffers import ALIGNMENT, layout
from deltaplan.compiler.steps import Random, Step, Tensor, View, numbers
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, Thunk
from deltaplan.runtime.backends.numpy.kernels import KERNELS


class Program:
    """The steps on `batch` samples. `external` gives the arrays of tensors that live outside the arena
    (inputs, parameters, gradients, scalars), [*shape, B] where batched; the rest lies in one arena.

    `draw(node, out)` fills `out` [*shape, B] with uniform numbers for a random step. With `reuse` false every
    tensor keeps its memory to the end, so that all can be read.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        external: Mapping[Tensor, Array],
        kept: Sequence[Tensor],
        batch: int,
        dtype: np.dtype[Any],
        draw: Callable[[int, Array], None] | None = None,
        reuse: bool = True,
    ) -> None:
        self.batch, self.dtype = batch, dtype
        arena = layout(steps, external, kept, batch, dtype.itemsize, reuse)
        self.memory = aligned_bytes(arena.bytes)
        self._arrays = {tensor.name: array for tensor, array in external.items()}
        for slot in arena.slots.values():
            kind = np.dtype(np.intp) if slot.tensor.kind == "index" else dtype
            length = numbers(slot.tensor, batch) * kind.itemsize
            flat = self.memory[slot.offset : slot.offset + length].view(kind)
            self._arrays[slot.tensor.name] = flat.reshape(self._shape(slot.tensor))
        for step in steps:
            if isinstance(step, View):
                self._arrays[step.output.name] = self[step.inputs[0]].reshape(self._shape(step.output))
        self._steps = tuple(zip(steps, self._lower(steps, draw), strict=True))
        self.calls = [call for _, calls in self._steps for call in calls]

    def __getitem__(self, tensor: Tensor) -> Array:
        return self._arrays[tensor.name]

    def run(self) -> None:
        for call in self.calls:
            call()

    def each(self) -> Iterator[Step]:
        """Runs one step after the other and gives each when it is done: what it wrote can be read then."""
        for step, calls in self._steps:
            for call in calls:
                call()
            yield step

    def _shape(self, tensor: Tensor) -> tuple[int, ...]:
        return (*tensor.shape, self.batch) if tensor.batched else tensor.shape

    def _lower(self, steps: Sequence[Step], draw: Callable[[int, Array], None] | None) -> list[list[Thunk]]:
        def fill(step: Random, out: Array) -> None:
            assert draw is not None, "a plan with random steps needs a source of numbers"
            draw(step.node, out)

        scratch = Scratch(self.dtype)
        return [list(KERNELS[type(step)](step, self.__getitem__, scratch, fill)) for step in steps]


def aligned_bytes(size: int) -> Array:
    """Zeroed memory that begins at a multiple of the alignment."""
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % ALIGNMENT
    return memory[begin : begin + size]


def aligned(length: int, dtype: np.dtype[Any]) -> Array:
    """A zeroed vector that begins at a multiple of the alignment."""
    return aligned_bytes(length * dtype.itemsize).view(dtype)
