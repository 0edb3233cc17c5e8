"""The objective on all samples, as a function of the parameters that are trained."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from deltaplan.compiler.curvature import hessian_plan
from deltaplan.compiler.plans import Plan
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import aligned
from deltaplan.runtime.outcome import Backend

Vector = np.ndarray[Any, np.dtype[np.float64]]


class TrainedObjective:
    """J(x), x the trained numbers of θ in their order; the others stay as they are in `theta`.

    It is computed in the precision of `theta` and given in float64. `data` are [*shape, samples]; with
    `curved` there are second derivatives.
    """

    def __init__(
        self,
        plan: Plan,
        theta: Array,
        data: Mapping[str, Array],
        scale: float,
        backend: Backend,
        curved: bool = False,
    ) -> None:
        size, dtype = len(theta), theta.dtype
        self._theta, self._gradient, self._direction = (aligned(size, dtype) for _ in range(3))
        self._theta[:], self._gradient[:], self._direction[:] = theta, 0, 0
        blocks = [np.arange(p.offset, p.end) for p in plan.trace.trained]
        self.at = np.sort(np.concatenate(blocks))
        vectors = {"θ": self._theta, "g": self._gradient}
        self._scale = scale
        self._bound = _bound(plan, vectors, data, scale, backend)
        self._curve = None
        if curved:
            vectors["v"] = self._direction
            self._curve = _bound(hessian_plan(plan.trace), vectors, data, scale, backend)

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        """J and its gradient."""
        self._theta[self.at] = x
        self._bound.run()
        return float(self._bound[self._bound.plan.trace.objective]), self._slopes()

    def loss(self, x: Vector) -> float:
        """The loss without regularizers."""
        self(x)
        losses = self._bound[self._bound.plan.trace.sample_loss]
        return float(losses.sum(dtype=np.float64)) * self._scale

    def hessian(self, x: Vector) -> Vector:
        """The second derivatives, column by column."""
        assert self._curve is not None, "asked for when the objective was made"
        self._theta[self.at] = x
        found = np.empty((len(self.at), len(self.at)))
        for column, place in enumerate(self.at):
            self._direction[place] = 1
            self._curve.run()
            self._direction[place] = 0
            found[:, column] = self._slopes()
        return (found + found.T) / 2

    def _slopes(self) -> Vector:
        return self._gradient[self.at].astype(np.float64)


def _bound(
    plan: Plan, vectors: Mapping[str, Array], data: Mapping[str, Array], scale: float, backend: Backend
) -> Any:
    """The plan on all samples. ImportError or NoScheduleError where the native backend cannot run it."""
    count = next(iter(data.values())).shape[-1]
    if backend == "numpy":
        bound: Any = bind(plan, vectors, count, data)
    else:
        from deltaplan.runtime.backends.native.bind import NativeBound

        bound = NativeBound(plan, vectors, count)
        for name, array in bound.data.items():
            array[...] = np.reshape(data[name], array.shape)  # rows of numbers for pictures
    bound.scale[...] = scale
    return bound
