"""The loss and the objective at θ, or at many θ at once, in one precision."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from deltaplan.compiler.lower import Trace
from deltaplan.compiler.plans import Plan
from deltaplan.compiler.steps import flops
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.choice import choose

if TYPE_CHECKING:
    from deltaplan.runtime.native_stack import NativeStack

CALL = 2000  # operations that the call of a numpy function costs as much as
WORTH = 100_000_000  # operations from which machine code is worth its making


class Losses:
    """A plan for evaluation on fixed data; `vector` is θ with the running statistics behind it, `work` about
    how many operations one evaluation takes."""

    def __init__(self, plan: Plan, data: Mapping[str, Array], vector: Array, scale: float) -> None:
        self._plan, self._data, self._scale = plan, data, scale
        self._vector = vector.copy()
        self._samples = next(iter(data.values())).shape[-1]
        self._bound = bind(plan, {"θ": self._vector}, self._samples, data)
        self.work = sum(CALL + flops(step, self._samples) for step in plan.steps)
        self._stacks: dict[bool, NativeStack | None] = {}

    def __call__(self, theta: Array, objective: bool) -> Any:
        """A number, or [k] for a stack [k, size]. From some work on a stack is one call of machine code."""
        if theta.ndim == 1:
            return self._objective(theta) if objective else self._loss(theta)
        if len(theta) * self.work >= WORTH and (stack := self._stack(objective)):
            return stack(theta)
        found = [self(row, objective) for row in theta]
        return np.array(found, self._vector.dtype)

    def on_plane(
        self, center: Array, first: Array, second: Array, a: Array, b: Array, objective: bool
    ) -> Array:
        """[k] at center + a·first + b·second for a and b [k]."""
        if len(a) * self.work >= WORTH and (stack := self._stack(objective)):
            return stack.plane(center, first, second, a, b)
        points = (center + x * first + y * second for x, y in zip(a, b, strict=True))
        return np.array([self(theta, objective) for theta in points], self._vector.dtype)

    def of_samples(self, theta: Array) -> Array:
        """The loss of each sample, [N]."""
        trace = self._plan.trace
        assert trace.sample_loss is not None
        self._vector[: trace.size] = theta
        with np.errstate(all="ignore"):
            self._bound.run()
        return np.array(self._bound[trace.sample_loss])

    def _loss(self, theta: Array) -> float:
        return float(self._scale * self.of_samples(theta).sum())

    def _objective(self, theta: Array) -> float:
        loss, penalty = self._loss(theta), self._plan.trace.penalty
        return loss if penalty is None else loss + float(self._bound[penalty])

    def _stack(self, objective: bool) -> "NativeStack | None":
        if objective not in self._stacks:
            self._stacks[objective] = choose(None, lambda: self._native(objective), _none)[0]
        return self._stacks[objective]

    def _native(self, objective: bool) -> "NativeStack | None":
        from deltaplan.runtime.native_stack import NativeStack

        trace: Trace = self._plan.trace
        statistics = self._vector[trace.size :]
        return NativeStack(trace, self._data, statistics, self._scale, objective, self._vector.dtype)


def _none() -> None:
    return None
