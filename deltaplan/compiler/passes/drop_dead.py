"""Nodes that no output needs: dropped, and told by `dead_nodes`."""

from dataclasses import dataclass, replace
from typing import ClassVar

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Activate, Adapt, AnyNode, Input, Join, Layer, Loss, Penalty, Target
from deltaplan.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadNodes(Diagnostic):
    code: ClassVar[str] = "dead-nodes"
    title: ClassVar[str] = "{names} {verb} no output and {are} left out"
    label: ClassVar[str] = "nothing below uses it"
    severity: ClassVar = "warning"
    names: str
    verb: str
    are: str


@dataclass(frozen=True, slots=True)
class DropDead:
    """Leaves out the nodes from which no output and no loss is reached, and penalties on them alone. Inputs stay:
    the data fills them."""

    name: ClassVar[str] = "drop-dead"

    def __call__(self, graph: Graph) -> Graph:
        dead = {node.name for node in dead_nodes(graph)}
        if not dead:
            return graph
        kept = [_without(dead, node) for node in graph if node.name not in dead]
        nodes = [node for node in kept if not (isinstance(node, Penalty) and not node.places)]
        names = {node.name for node in nodes}
        edges = {name: sources for name, sources in graph.edges.items() if name in names}
        return Graph(nodes, edges, {name: shape for name, shape in graph.shapes.items() if name in names})


def dead_nodes(graph: Graph) -> tuple[Layer | Activate | Join | Adapt, ...]:
    """The computing nodes from which no output and no loss is reached, in the order of the spec."""
    roots = [n.name for n in graph if isinstance(n, Target | Loss | Penalty | Input)]
    needed = graph.reaching([*roots, *(node.name for node in graph.outputs)])
    return tuple(n for n in graph if isinstance(n, Layer | Activate | Join | Adapt) and n.name not in needed)


def dead_lines(graph: Graph) -> tuple[DeadNodes, ...]:
    """A warning for each line of the spec with dead nodes."""
    by_span: dict[tuple[int, int], list[AnyNode]] = {}
    for node in dead_nodes(graph):
        by_span.setdefault((node.span.start, node.span.end), []).append(node)
    return tuple(_warning(nodes) for nodes in by_span.values())


def _warning(nodes: list[AnyNode]) -> DeadNodes:
    names = ", ".join(f"`{node.name}`" for node in nodes[:4]) + (", …" if len(nodes) > 4 else "")
    one = len(nodes) == 1
    return DeadNodes(
        span=nodes[0].span, names=names, verb="reaches" if one else "reach", are="is" if one else "are"
    )


def _without(dead: set[str], node: AnyNode) -> AnyNode:
    if not isinstance(node, Penalty):
        return node
    return replace(node, places=tuple(place for place in node.places if place not in dead))
