"""Gradients and products with Hessians on fixed samples, and a problem of some blocks of θ alone."""

from collections.abc import Collection, Mapping

import numpy as np

from deltaplan.compiler.curvature import hessian_plan
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.lower import Trace, lower
from deltaplan.compiler.plan import Plan, gradient_plan
from deltaplan.compiler.probes import given_plan, moved_trace
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.probes import Curvatures


class Derivatives:
    """Of the loss (`L`) and the objective (`J`) of a trace: gradients, and Hessians (`HL`, `HJ`) times
    `direction`, with zeros for what is not trained. `vector`, θ with the statistics behind it, is read where
    it lies."""

    def __init__(self, trace: Trace, vector: Array, data: Mapping[str, Array], scale: float) -> None:
        self._trace, self._vector, self._data, self._scale = trace, vector, data, scale
        self._bounds: dict[str, tuple[Bound, Array]] = {}
        self.direction = np.zeros(trace.size)

    def __call__(self, of: str) -> Array:
        """[size]"""
        bound, gradient = self._bound(of)
        bound.run()
        return gradient.copy()

    def objective(self) -> float:
        """J where `J` was derived last."""
        assert self._trace.objective is not None
        return float(self._bound("J")[0][self._trace.objective])

    def _bound(self, of: str) -> tuple[Bound, Array]:
        if of not in self._bounds:
            gradient = np.zeros(self._trace.size)
            vectors = {"θ": self._vector, "g": gradient, "v": self.direction}
            samples = next(iter(self._data.values())).shape[-1]
            bound = bind(self._plan(of), vectors, samples, self._data)
            bound.scale[...] = self._scale
            self._bounds[of] = bound, gradient
        return self._bounds[of]

    def _plan(self, of: str) -> Plan:
        plan = hessian_plan if of.startswith("H") else gradient_plan
        return plan(self._trace, of_loss=of.endswith("L"))


class Held:
    """A problem as a function of some blocks of θ, the others held at `vector`: what those do not move is
    computed once. θ has the size of all."""

    def __init__(
        self, graph: Graph, vector: Array, data: Mapping[str, Array], scale: float, blocks: Collection[str]
    ) -> None:
        whole = lower(graph, "predict")
        held = frozenset(p.name for p in whole.parameters if p.name not in blocks)
        trace, given = moved_trace(lower(graph, "predict", held))
        self._size, self._vector = trace.size, vector.copy()
        samples = next(iter(data.values())).shape[-1]
        bound = bind(given_plan(whole, given), {"θ": self._vector}, samples, data)
        bound.run()
        own = {name: y for name, y in data.items() if name not in whole.inputs}
        own |= {t.name: bound[t].reshape(-1, samples).copy() for t in given}
        self._derivatives = Derivatives(trace, self._vector, own, scale)
        self._curvatures = Curvatures(trace, self._vector, own)

    def objective_grad(self, theta: Array) -> tuple[float, Array]:
        """J and its gradient, 0 in what is held."""
        gradient = self._at(theta)("J")
        return self._derivatives.objective(), gradient

    def hvp(self, theta: Array, v: Array, objective: bool) -> Array:
        """The Hessian of the objective, or of the loss alone, times v, which is 0 in what is held."""
        derivatives = self._at(theta)
        derivatives.direction[:] = v
        return derivatives("HJ" if objective else "HL")

    def curvatures(self, theta: Array) -> Array:
        """∂²ℓ/∂u² of each sample's loss by all outputs: [N, outputs, outputs]."""
        self._at(theta)
        return self._curvatures()

    def _at(self, theta: Array) -> Derivatives:
        self._vector[: self._size] = theta
        return self._derivatives
