"""A plan that goes forward alone, on any number of samples: a block of them at a time, on the backend that is
faster for so many."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deltaplan.compiler.plans import Plan
from deltaplan.compiler.steps import MatMul, Tensor, flops
from deltaplan.runtime.backends.numpy.bind import bind, used_targets
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.choice import choose
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.threads import blas_threads

if TYPE_CHECKING:
    from deltaplan.runtime.backends.native.bind import NativeCode

BLOCK = 1024  # samples at once on numpy
NATIVE_BLOCK = 128
WORTH = 2_000_000_000  # operations from which on machine code saves more than its making costs

Blocks = Callable[[int], Any]  # a bound plan for a block of so many samples, which has no fewer


class Forward:
    """A plan for predictions or for evaluation. Calls have memory of their own; machine code is made once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._leaves = [*plan.trace.inputs, *used_targets(plan)]
        self._codes: dict[np.dtype[Any], NativeCode] = {}

    def __call__(
        self,
        theta: Array,
        data: Mapping[str, Array],
        wanted: Sequence[Tensor],
        backend: Backend | None = None,
    ) -> list[Array]:
        """The wanted tensors [size, N] in float64 for data [features, N] by its keys.

        SpecError where the native backend is named and cannot run the plan.
        """
        count = next(iter(data.values())).shape[-1]
        if not count:
            return [np.zeros((tensor.size, 0)) for tensor in wanted]
        if backend is None and self.work(count) < WORTH:
            backend = "numpy"
        block, blocks = choose(backend, lambda: self._native(theta), lambda: self._numpy(theta))[0]
        with np.errstate(all="ignore"), blas_threads():
            parts = [self._run(blocks, data, wanted, *span) for span in _spans(count, block)]
        return [np.concatenate(found, axis=-1) for found in zip(*parts, strict=True)]

    def work(self, count: int) -> int:
        """Operations on so many samples in which numpy is slower than machine code: all but the products of
        matrices."""
        return sum(flops(step, count) for step in self.plan.steps if not isinstance(step, MatMul))

    def _run(
        self, blocks: Blocks, data: Mapping[str, Array], wanted: Sequence[Tensor], begin: int, end: int
    ) -> list[Array]:
        bound = blocks(end - begin)
        for name in self._leaves:
            array, own = bound.data[name], data[name][..., begin:end]
            np.copyto(array[..., : end - begin], own.reshape(*array.shape[:-1], -1))
        bound.run()
        return [_numbers(bound[tensor], tensor, end - begin) for tensor in wanted]

    def _numpy(self, theta: Array) -> tuple[int, Blocks]:
        """Plans bound to blocks of just so many samples."""
        made: dict[int, Any] = {}

        def bound(size: int) -> Any:
            if size not in made:
                made[size] = bind(self.plan, {"θ": theta}, size)
            return made[size]

        return BLOCK, bound

    def _native(self, theta: Array) -> tuple[int, Blocks]:
        """One block, whose last samples are left over from the one before where it is not full."""
        from deltaplan.runtime.backends.native.bind import NativeBound
        from deltaplan.runtime.backends.native.memory import zeros

        own = zeros(theta.size, theta.dtype)
        own[:] = theta
        bound = NativeBound(self.plan, {"θ": own}, NATIVE_BLOCK, self._code(theta.dtype))
        return NATIVE_BLOCK, lambda size: bound

    def _code(self, dtype: np.dtype[Any]) -> "NativeCode":
        if dtype not in self._codes:
            from deltaplan.runtime.backends.native.bind import NativeCode
            from deltaplan.runtime.backends.native.engine import objects_of

            self._codes[dtype] = NativeCode(self.plan, NATIVE_BLOCK, dtype, make=objects_of)
        return self._codes[dtype]


def _spans(count: int, block: int) -> Iterator[tuple[int, int]]:
    return ((begin, min(begin + block, count)) for begin in range(0, count, block))


def _numbers(values: Array, tensor: Tensor, count: int) -> Array:
    """The first samples of a tensor as [size, count], in float64."""
    return values.reshape(tensor.size, -1)[:, :count].astype(np.float64)
