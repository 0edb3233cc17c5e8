"""Which parts of θ a run trains, and what the optimizer may know about each."""

from collections.abc import Iterable, Sequence
from math import prod

from deltaplan.compiler.experiment import EVERYWHERE, Experiment, TrainSpec
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Layer
from deltaplan.compiler.optimize import Kind, Stretch
from deltaplan.compiler.parameters import Parameter, is_in, place_parameters


def frozen(experiment: Experiment, parameters: Sequence[Parameter] | None = None) -> frozenset[str]:
    """The names of the parameter blocks that training leaves as they are: those of layers that say `freeze`,
    and what `only` does not name."""
    graph, train = experiment.graph, experiment.train
    only = train.only if train else EVERYWHERE
    if only == EVERYWHERE and not any(layer.freeze for layer in graph.layers):
        return frozenset()
    blocks = place_parameters(graph) if parameters is None else parameters
    return frozenset(p.name for p in blocks if _freezes(graph, p) or not is_in(p, only, graph))


def _freezes(graph: Graph, parameter: Parameter) -> bool:
    layer = graph[parameter.node]
    assert isinstance(layer, Layer)
    return layer.freeze


def stretches(graph: Graph, train: TrainSpec, trained: Iterable[Parameter]) -> tuple[Stretch, ...]:
    """The parameter blocks that are trained, in the order of θ."""
    blocks = sorted(trained, key=lambda p: p.offset)
    return tuple(Stretch(p.offset, p.end, _kind(graph, train, p)) for p in blocks)


def _kind(graph: Graph, train: TrainSpec, parameter: Parameter) -> Kind:
    rates = (rate.factor for rate in train.rates if is_in(parameter, rate.places, graph))
    return Kind(is_weight=parameter.role == "weight", lr_scale=prod(rates, start=1.0))
