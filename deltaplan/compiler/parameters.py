"""θ: where each parameter block lies in the flat vector."""

from collections.abc import Iterable
from math import prod

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Layer
from deltaplan.compiler.plans import Parameter as Parameter
from deltaplan.compiler.plans import Statistic as Statistic
from deltaplan.compiler.shapes import parameters_of, trace
from deltaplan.compiler.steps import Tensor
from deltaplan.plugins import contracts


def place_parameters(graph: Graph) -> tuple[Parameter, ...]:
    """θ: all weights in the order of the layers, then all biases and factors: `weights` is one contiguous
    part."""
    blocks = [
        (layer, number, spec)
        for number, layer in numbered(graph)
        if layer.share is None
        for spec in parameters_of(layer, graph.shapes[graph.inputs_of(layer.name)[0]])
    ]
    placed, offset = {}, 0
    for layer, number, spec in sorted(blocks, key=lambda block: block[2].role != "weight"):
        tensor = Tensor(symbol(spec.name, number), spec.shape)
        placed[tensor.name] = Parameter(
            name=f"{layer.name}.{spec.name}",
            node=layer.name,
            number=number,
            tensor=tensor,
            offset=offset,
            role=spec.role,
            fan_in=spec.fan_in,
            fan_out=spec.fan_out,
            first=spec.first,
        )
        offset += prod(spec.shape)
    return tuple(placed.values())


def is_in(parameter: "Parameter | Statistic", places: Iterable[str], graph: Graph) -> bool:
    """Whether a block lies in a place: `weights`, `biases`, `parameters`, `output`, or the name of a node."""
    return any(_is_in(parameter, place, graph) for place in places)


def _is_in(parameter: "Parameter | Statistic", place: str, graph: Graph) -> bool:
    match place:
        case "parameters":
            return True
        case "weights":
            return parameter.role == "weight"
        case "biases":
            return parameter.role == "bias"
        case "output":
            return any(parameter.node == node.name for node in graph.outputs)
        case _:
            return parameter.node == place or parameter.node.startswith(f"{place}.")


def place_statistics(graph: Graph) -> tuple[Statistic, ...]:
    """The running statistics in the order of the layers, from the end of θ on. They are not trained."""
    offset = sum(parameter.size for parameter in place_parameters(graph))
    placed = []
    for number, layer in numbered(graph):
        for spec in (
            () if layer.share else trace(layer, graph.shapes[graph.inputs_of(layer.name)[0]]).statistics
        ):
            tensor = Tensor(symbol(spec.name, number), spec.shape)
            placed.append(Statistic(f"{layer.name}.{spec.name}", layer.name, tensor, offset, spec.first))
            offset += tensor.size
    return tuple(placed)


def place_blocks(graph: Graph) -> tuple[Parameter | Statistic, ...]:
    """All that makes up a model's vector: θ, and the running statistics behind it."""
    return (*place_parameters(graph), *place_statistics(graph))


def symbol(name: str, number: int) -> str:
    """The name of a block in the plan: `W3`; a name that ends with a digit is set apart from the number."""
    return f"{name}_{number}" if name[-1].isdigit() else f"{name}{number}"


def numbered(graph: Graph) -> list[tuple[int, Layer]]:
    """The layers that have parameters with their numbers j = 1, 2, …, in the order of the computation."""
    return list(enumerate((n for n in graph.ordered() if isinstance(n, Layer) and is_trained(n)), start=1))


def is_trained(layer: Layer) -> bool:
    """Whether it has parameters."""
    contract = layer.use.contract
    assert isinstance(contract, contracts.Layer)
    return contract.trained


def is_affine(layer: Layer) -> bool:
    """Whether its parameters are weights, so that the lecture counts it."""
    contract = layer.use.contract
    assert isinstance(contract, contracts.Layer)
    return contract.affine
