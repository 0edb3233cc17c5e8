"""What lies within a model at θ: the value and the slope of every node, sample by sample."""

from collections.abc import Mapping

import numpy as np

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.nodes import Loss, Penalty, Target
from deltaplan.compiler.probes import SEED, between_plan, slopes_plan, values_plan
from deltaplan.compiler.steps import Tensor
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.expressions import Array


def valued(graph: Graph) -> tuple[str, ...]:
    """The nodes of the model, in the order of the computation."""
    return tuple(n.name for n in graph.ordered() if not isinstance(n, Target | Loss | Penalty))


def values_at(trace: Trace, graph: Graph, theta: Array, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The value of each node, [N, features], for inputs [features, N]; `theta` with its statistics."""
    nodes, count = valued(graph), next(iter(inputs.values())).shape[-1]
    bound = bind(values_plan(trace, nodes), {"θ": theta}, count, inputs)
    bound.run()
    return {name: _rows(bound, trace.values[name], trace.values[name], count) for name in nodes}


def slopes_at(trace: Trace, graph: Graph, theta: Array, data: Mapping[str, Array]) -> dict[str, Array]:
    """∂ℓ/∂z of each sample's loss by the value z of each node, [N, features]."""
    nodes, count = valued(graph), next(iter(data.values())).shape[-1]
    plan, tensors = slopes_plan(trace, nodes)
    bound = bind(plan, {"θ": theta}, count, data)
    bound.run()
    return {
        name: _rows(bound, tensors[name], trace.values[name], count)
        if name in tensors
        else np.zeros((count, trace.values[name].size))
        for name in nodes
    }


def between(trace: Trace, theta: Array, sample: Mapping[str, Array], target: str, source: str) -> Array:
    """∂target/∂source [numbers of the target, numbers of the source] at one sample, inputs [features, 1].

    What lies before the source is held: one backward pass, over a copy of the sample for each row.
    """
    rows = trace.values[target].size
    plan, found = between_plan(trace, target, source)
    if found is None:
        return np.zeros((rows, trace.values[source].size))
    inputs = {name: np.repeat(x, rows, axis=-1) for name, x in sample.items()}
    bound = bind(plan, {"θ": theta}, rows, {**inputs, SEED: np.eye(rows)})
    bound.run()
    return _rows(bound, found, trace.values[source], rows)


def _rows(bound: Bound, tensor: Tensor, like: Tensor, count: int) -> Array:
    """[count, numbers]: a slope that is one for all samples is repeated."""
    values = np.broadcast_to(bound[tensor], (*like.shape, count))
    return np.ascontiguousarray(values.reshape(like.size, count).T)
