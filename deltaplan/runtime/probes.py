"""What lies within a model at θ: the value and the slope of every node, sample by sample."""

from collections.abc import Mapping, Sequence

import numpy as np

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.nodes import Loss, Penalty, Target
from deltaplan.compiler.probes import (
    SEED,
    between_plan,
    curvature_plan,
    given_plan,
    slopes_plan,
    values_plan,
)
from deltaplan.compiler.steps import Tensor
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.expressions import Array

ROWS = 256  # of a Jacobian in one backward pass


def valued(graph: Graph) -> tuple[str, ...]:
    """The nodes of the model, in the order of the computation."""
    return tuple(n.name for n in graph.ordered() if not isinstance(n, Target | Loss | Penalty))


class Values:
    """The value of each node on fixed inputs [features, N]; `theta`, with the statistics behind it, is read
    where it lies."""

    def __init__(self, trace: Trace, graph: Graph, theta: Array, inputs: Mapping[str, Array]) -> None:
        self._count = next(iter(inputs.values())).shape[-1]
        self._tensors = {name: trace.values[name] for name in valued(graph)}
        self._bound = bind(values_plan(trace, self._tensors), {"θ": theta}, self._count, inputs)

    def __call__(self) -> dict[str, Array]:
        """[N, numbers] by the nodes' names."""
        self._bound.run()
        return {name: _rows(self._bound, t, t, self._count) for name, t in self._tensors.items()}


class NodeSlopes:
    """∂ℓ/∂z of each sample's loss by the value z of each node, as `Values`."""

    def __init__(self, trace: Trace, graph: Graph, theta: Array, data: Mapping[str, Array]) -> None:
        self._count = next(iter(data.values())).shape[-1]
        self._tensors = {name: trace.values[name] for name in valued(graph)}
        plan, self._slopes = slopes_plan(trace, self._tensors)
        self._bound = bind(plan, {"θ": theta}, self._count, data)

    def __call__(self) -> dict[str, Array]:
        """[N, numbers] by the nodes' names, 0 where the loss does not depend on a node."""
        self._bound.run()
        return {name: self._of(name, tensor) for name, tensor in self._tensors.items()}

    def _of(self, name: str, like: Tensor) -> Array:
        if name not in self._slopes:
            return np.zeros((self._count, like.size))
        return _rows(self._bound, self._slopes[name], like, self._count)


class Curvatures:
    """∂²ℓ/∂u² of each sample's loss by all outputs one after the other, as `Values`."""

    def __init__(self, trace: Trace, theta: Array, data: Mapping[str, Array]) -> None:
        self._count, self._outputs = next(iter(data.values())).shape[-1], trace.outputs
        plan, self._seeds, self._found = curvature_plan(trace)
        self._bound = bind(plan, {"θ": theta}, self._count, data)

    def __call__(self) -> Array:
        """[N, outputs, outputs]"""
        rows = [self._row(name, k) for name, u in self._outputs.items() for k in range(u.size)]
        return np.stack(rows, axis=1)

    def _row(self, output: str, place: int) -> Array:
        seed = self._bound.data[self._seeds[output].name]
        seed[place] = 1.0
        self._bound.run()
        seed[place] = 0.0
        return np.concatenate([self._of(name, u) for name, u in self._outputs.items()], axis=1)

    def _of(self, name: str, like: Tensor) -> Array:
        if name not in self._found:
            return np.zeros((self._count, like.size))
        return _rows(self._bound, self._found[name], like, self._count)


def between(trace: Trace, theta: Array, sample: Mapping[str, Array], target: str, source: str) -> Array:
    """∂target/∂source [numbers of the target, numbers of the source] at one sample, inputs [features, 1].

    What lies before the source is held. Its value and those beside it are computed once; a backward pass over
    copies of them gives a block of rows.
    """
    rows, like = trace.values[target].size, trace.values[source]
    plan, found, given = between_plan(trace, target, source)
    if found is None:
        return np.zeros((rows, like.size))
    values = _given(trace, theta, sample, given)
    count = min(rows, ROWS)
    data = {t.name: np.repeat(x.reshape(-1, 1), count, axis=-1) for t, x in values.items()}
    bound = bind(plan, {"θ": theta}, count, data)
    blocks = [_block(bound, found, like, begin, count) for begin in range(0, rows, count)]
    return np.concatenate(blocks)[:rows]


def _given(
    trace: Trace, theta: Array, sample: Mapping[str, Array], given: Sequence[Tensor]
) -> dict[Tensor, Array]:
    """What tensors are at the sample."""
    bound = bind(given_plan(trace, given), {"θ": theta}, 1, sample)
    bound.run()
    return {tensor: bound[tensor] for tensor in given}


def _block(bound: Bound, found: Tensor, like: Tensor, begin: int, count: int) -> Array:
    """The rows from `begin` on; those behind the last one are 0."""
    seed = bound.data[SEED]
    seed[...] = np.eye(len(seed), count, -begin)
    bound.run()
    return _rows(bound, found, like, count)


def _rows(bound: Bound, tensor: Tensor, like: Tensor, count: int) -> Array:
    """[count, numbers]: a slope that is one for all samples is repeated."""
    values = np.broadcast_to(bound[tensor], (*like.shape, count))
    return np.ascontiguousarray(values.reshape(like.size, count).T)
