"""Nodes that no output needs: dropped, and told by `dead_nodes`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Activate, Adapt, AnyNode, Input, Join, Layer, Loss, Penalty, Target
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.records import dataclass


@mistake
class DeadNode(Diagnostic):
    code: ClassVar[str] = "dead-node"
    title: ClassVar[str] = "`{name}` reaches no output and is left out"
    label: ClassVar[str] = "nothing below uses it"
    help: ClassVar[str] = "with it go {others}, which nothing else uses"
    severity: ClassVar = "warning"
    name: str
    others: str | None


@mistake
class UnusedInput(Diagnostic):
    code: ClassVar[str] = "unused-input"
    title: ClassVar[str] = "no output depends on the input `{name}`"
    severity: ClassVar = "warning"
    name: str


@dataclass(frozen=True, slots=True)
class DropDead:
    """Leaves out the nodes from which no output and no loss is reached, and penalties on them alone.

    Inputs stay: the data fills them.
    """

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
    while owners := {n.share for n in graph.layers if n.name in needed and n.share} - needed:
        needed |= graph.reaching(owners)
    return tuple(n for n in graph if isinstance(n, Layer | Activate | Join | Adapt) and n.name not in needed)


def remarks(graph: Graph) -> tuple[Diagnostic, ...]:
    """A warning for each dead node at the end of its chain, and for each input that no output depends on."""
    dead = {node.name: place for place, node in enumerate(dead_nodes(graph))}
    ends = [node for node in graph if node.name in dead and not graph.users_of(node.name)]
    unused = [node for node in graph.of(Input) if dead.keys() >= set(graph.users_of(node.name))]
    return (
        *(DeadNode(span=end.span, name=end.name, others=_others(graph, end, dead)) for end in ends),
        *(UnusedInput(span=node.span, name=node.name) for node in unused),
    )


SHOWN = 5


def _others(graph: Graph, end: AnyNode, dead: Mapping[str, int]) -> str | None:
    """The dead nodes above it; `dead` has their places in the spec."""
    above = graph.reaching([end.name], dead) - {end.name}
    names = [f"`{name}`" for name in sorted(above, key=dead.__getitem__)]
    if len(names) > SHOWN:
        names[SHOWN:] = [f"{len(names) - SHOWN} more"]
    return ", ".join(names) or None


def _without(dead: set[str], node: AnyNode) -> AnyNode:
    if not isinstance(node, Penalty):
        return node
    return replace(node, places=tuple(place for place in node.places if place not in dead))
