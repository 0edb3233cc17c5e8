"""How steep a net is on its data: the bound layer by layer, slopes that it reaches, and their mean."""

from collections.abc import Mapping

import numpy as np

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Activate, Layer
from deltaplan.compiler.plan import predict_plan
from deltaplan.compiler.printers.rows import Row, rows
from deltaplan.compiler.steps import Map, Tensor
from deltaplan.plugins.examining import Gain, LayerSlope, Slopes
from deltaplan.plugins.expressions import argument, derivative, substitute
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lipschitz.arithmetic import longest
from deltaplan.runtime.lipschitz.flow import Bound, Flow
from deltaplan.runtime.lipschitz.linear import applied
from deltaplan.runtime.lipschitz.steepest import Steepest, steepest

Samples = Mapping[str, Array]  # [features, N] by input
MOST = 1000  # samples over which slopes are averaged


def upper_bound(graph: Graph, vector: Array, samples: Samples) -> float:
    """A proven bound of |m(x) − m(y)|/|x − y|, all inputs and all outputs together, at θ with the running
    statistics behind it. Where no constant holds for all x it is that of the box of the samples."""
    return _whole(graph, _flow(graph, vector, samples).found)


def reached(graph: Graph, vector: Array, samples: Samples) -> float:
    """The steepest slope that was found in the box of the samples: `upper_bound` cannot be below it."""
    return _steepest(graph, vector, samples).slope


def measure(graph: Graph, vector: Array, samples: Samples) -> Slopes:
    """Everything that is known of the slopes of the net on these samples."""
    flow, found = _flow(graph, vector, samples), _steepest(graph, vector, samples)
    averages = _averages(graph, vector, samples)
    return Slopes(
        layers=tuple(
            _layer(row, flow.found, averages) for row in rows(graph) if row.nodes[-1].name in flow.found
        ),
        upper=_whole(graph, flow.found),
        product=_whole(graph, flow.found, products=True),
        lower=found.slope,
        mean=found.mean,
        everywhere=flow.everywhere,
        boxes={u.name: flow.found[u.name].box for u in graph.outputs},
    )


def gains(graph: Graph, vector: Array, samples: Samples) -> dict[str, Gain]:
    """How much each node can enlarge what flows through it, at θ with the running statistics behind it."""
    found = _flow(graph, vector, samples, compose=False).found
    return {
        name: Gain(b.factors, b.everywhere, longest(b.at_zero), longest(b.box)) for name, b in found.items()
    }


def _flow(graph: Graph, vector: Array, samples: Samples, compose: bool = True) -> Flow:
    low = {name: array.min(axis=-1) for name, array in samples.items()}
    high = {name: array.max(axis=-1) for name, array in samples.items()}
    return Flow(graph, np.asarray(vector, np.float64), low, high, compose).run()


def _steepest(graph: Graph, vector: Array, samples: Samples) -> Steepest:
    stacked = np.concatenate([array.reshape(-1, array.shape[-1]) for array in samples.values()])
    whole = np.asarray(stacked, np.float64)
    return steepest(graph, np.asarray(vector, np.float64), whole, whole.min(axis=1), whole.max(axis=1))


def _whole(graph: Graph, found: Mapping[str, Bound], products: bool = False) -> float:
    """The bound of all outputs together."""
    bounds = [found[u.name] for u in graph.outputs]
    return float(np.linalg.norm([b.products if products else b.lengths for b in bounds]))


def _layer(row: Row, found: Mapping[str, Bound], averages: Mapping[str, float]) -> LayerSlope:
    first, last = found[row.nodes[0].name], found[row.nodes[-1].name]
    activations = [node.name for node in row.nodes if isinstance(node, Activate)]
    layer = isinstance(row.nodes[0], Layer)
    known = [averages[name] for name in activations]
    return LayerSlope(
        line=row.line,
        text=row.text,
        norm=first.factor if layer else None,
        exact=first.exact,
        slope=float(np.prod([found[name].factor or 0.0 for name in activations])) if known else None,
        average=float(np.prod(known)) if known else None,
        skip=" + ".join(skip.word for skip in row.skips),
        product=float(np.linalg.norm(last.products)),
        bound=float(np.linalg.norm(last.lengths)),
    )


def _averages(graph: Graph, vector: Array, samples: Samples) -> dict[str, float]:
    """E|σ′(v)| of each activation, over the samples and all of its numbers."""
    plan = predict_plan(graph, fused=False, linked=False)
    few = {name: array[..., :MOST] for name, array in samples.items()}
    count = next(iter(few.values())).shape[-1]
    bound = bind(plan, {"θ": np.asarray(vector, np.float64)}, count, few, reuse=False)
    with np.errstate(all="ignore"):
        bound.run()
        found = {}
        for node in graph.of(Activate):
            v = plan.trace.values[graph.inputs_of(node.name)[0]]
            if any(v in (*step.inputs, *step.outputs) for step in plan.steps):
                found[node.name] = _mean_slope(node, v, bound[v])
    return found


def _mean_slope(node: Activate, v: Tensor, values: Array) -> float:
    slope = derivative(substitute(node.expression, {"u": argument("x0")}), "x0")
    out = Tensor("%slope", v.shape, batched=True)
    step = Map(inputs=(v,), outputs=(out,), expressions=(slope,))
    return float(np.abs(applied(step, {v: values}, values.shape[-1])).mean())
