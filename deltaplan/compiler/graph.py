"""The graph of a model and its problem: typed nodes over a private networkx graph."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import networkx as nx

from deltaplan.compiler.nodes import AnyNode, Layer, Shape

N = TypeVar("N", bound=AnyNode)


class Graph:
    """A frozen, acyclic graph. Nodes are in the order of the spec; an edge has the position of an argument.

    `shapes` holds the shape of one sample of what each node gives, once shapes are inferred; a loss and a
    penalty have the shape ().
    """

    __slots__ = ("_inputs", "_net", "_nodes", "shapes")

    def __init__(
        self,
        nodes: Iterable[AnyNode],
        inputs: Mapping[str, tuple[str, ...]],
        shapes: Mapping[str, Shape] | None = None,
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._inputs = {name: tuple(inputs.get(name, ())) for name in self._nodes}
        net = nx.MultiDiGraph()
        for place, name in enumerate(self._nodes):
            net.add_node(name, place=place)
        for name, sources in self._inputs.items():
            net.add_edges_from((source, name, position) for position, source in enumerate(sources))
        self._net = nx.freeze(net)
        self.shapes: Mapping[str, Shape] = dict(shapes or {})

    def __getitem__(self, name: str) -> AnyNode:
        return self._nodes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __iter__(self) -> Iterator[AnyNode]:
        """Nodes in the order of the spec."""
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def of(self, kind: type[N]) -> tuple[N, ...]:
        """The nodes of one type, in the order of the spec."""
        return tuple(node for node in self if isinstance(node, kind))

    def inputs_of(self, name: str) -> tuple[str, ...]:
        """The names of a node's arguments, in their positions."""
        return self._inputs[name]

    def users_of(self, name: str) -> tuple[str, ...]:
        return tuple(self._net.successors(name))

    def ordered(self) -> tuple[AnyNode, ...]:
        """Every node after its arguments; among those that could come next, the first of the spec."""
        names = nx.lexicographical_topological_sort(
            self._net, key=lambda name: self._net.nodes[name]["place"]
        )
        return tuple(self[name] for name in names)

    def is_acyclic(self) -> bool:
        return bool(nx.is_directed_acyclic_graph(self._net))

    def reaching(self, names: Iterable[str]) -> frozenset[str]:
        """The given nodes and all that they depend on."""
        found = set(names)
        for name in names:
            found |= nx.ancestors(self._net, name)
        return frozenset(found)

    @property
    def outputs(self) -> tuple[AnyNode, ...]:
        """The nodes whose values the model gives."""
        return tuple(node for node in self if getattr(node, "output", False) is True)

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self.of(Layer)

    @property
    def edges(self) -> Mapping[str, tuple[str, ...]]:
        """Each node's arguments by its name: what the constructor takes."""
        return self._inputs

    def with_shapes(self, shapes: Mapping[str, Shape]) -> "Graph":
        return Graph(self, self.edges, shapes)
