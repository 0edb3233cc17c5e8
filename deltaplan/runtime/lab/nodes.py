"""What a graph says of its nodes, for analyses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Activate, Adapt, AnyNode, Input, Join, Layer
from deltaplan.compiler.parameters import numbered, place_parameters
from deltaplan.compiler.symbols import chain
from deltaplan.plugins.examining import Node
from deltaplan.plugins.expressions.analysis import slope_range


def nodes_of(graph: Graph) -> tuple[Node, ...]:
    """The nodes of the model, each after its arguments."""
    numbers = {layer.name: number for number, layer in numbered(graph)}
    blocks: dict[str, list[str]] = {}
    for parameter in place_parameters(graph):
        blocks.setdefault(parameter.node, []).append(parameter.name)
    described = (_described(graph, node, blocks) for node in graph.ordered())
    return tuple(_numbered(graph, node, numbers) for node in described if node)


def _described(graph: Graph, node: AnyNode, blocks: Mapping[str, Sequence[str]]) -> Node | None:
    """None for what is no part of the model: targets, losses and penalties."""
    where = (graph.inputs_of(node.name), graph.shapes[node.name], node.span.line)
    match node:
        case Input():
            return Node(node.name, "input", "input", "input", *where)
        case Layer():
            return Node(
                node.name,
                "layer",
                node.use.name,
                str(node.use),
                *where,
                blocks=tuple(blocks.get(node.share or node.name, ())),
                output=node.output,
            )
        case Activate(expression=f):
            return Node(
                node.name,
                "activation",
                node.use.name,
                str(node),
                *where,
                slope=slope_range(f, "u"),
            )
        case Join():
            return Node(node.name, "join", node.kind, node.kind, *where, skip=node.skip)
        case Adapt():
            return Node(node.name, "pad", "pad", f"pad to {node.width}", *where)
        case _:
            return None


def _numbered(graph: Graph, node: Node, numbers: dict[str, int]) -> Node:
    layer = graph[node.name]
    if node.name not in numbers or not isinstance(layer, Layer):
        return node
    return replace(node, number=numbers[node.name], result=chain(graph, layer)[-1].name)
