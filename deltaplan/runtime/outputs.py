"""The outputs of a model on given rows, and their slopes by θ."""

from collections.abc import Mapping

import numpy as np

from deltaplan.compiler.curvature import SEED, output_plan
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.plans import Plan
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.backends.numpy.expressions import Array


def outputs(plan: Plan, output: str, theta: Array, inputs: Mapping[str, Array]) -> Array:
    """u [N, outputs] of a plan that ends with the outputs, for inputs [features, N]."""
    count = next(iter(inputs.values())).shape[-1]
    bound = bind(plan, {"θ": theta}, count, inputs)
    bound.run()
    u = bound[plan.trace.outputs[output]]
    return np.ascontiguousarray(u.reshape(-1, count).T)


class Slopes:
    """∂u/∂θ of one output, a row at a time: one plan, whose seed picks the number that is derived.

    `theta`, with the running statistics behind it, is read where it lies, at each call.
    """

    def __init__(self, trace: Trace, output: str, theta: Array) -> None:
        self._gradient = np.zeros(trace.size)
        self._bound = bind(output_plan(trace, output), {"θ": theta, "g": self._gradient}, 1)

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        """[N, outputs, size] for inputs [features, N]."""
        count = next(iter(inputs.values())).shape[-1]
        found = [
            self._row({name: rows[..., n : n + 1] for name, rows in inputs.items()}) for n in range(count)
        ]
        return np.array(found).reshape(count, self._bound.data[SEED].size, self._gradient.size)

    def _row(self, inputs: Mapping[str, Array]) -> list[Array]:
        data = self._bound.data
        for name, row in inputs.items():
            data[name][...] = row
        return [self._slope(place) for place in range(data[SEED].size)]

    def _slope(self, place: int) -> Array:
        seed = self._bound.data[SEED]
        seed[...] = 0.0
        seed.flat[place] = 1.0
        self._bound.run()
        return self._gradient.copy()
