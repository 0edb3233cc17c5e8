"""The graph of a model and its problem: typed nodes, and networkx where they are out of order."""

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from deltaplan.compiler.nodes import AnyNode, Layer, Shape

if TYPE_CHECKING:
    from networkx import MultiDiGraph

N = TypeVar("N", bound=AnyNode)


class Graph:
    """A frozen, acyclic graph. Nodes are in the order of the spec; an edge has the position of an argument.

    `shapes` holds the shape of one sample of what each node gives, once shapes are inferred; a loss and a
    penalty have the shape ().
    """

    def __init__(
        self,
        nodes: Iterable[AnyNode],
        inputs: Mapping[str, tuple[str, ...]],
        shapes: Mapping[str, Shape] | None = None,
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._inputs = {name: tuple(inputs.get(name, ())) for name in self._nodes}
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
        return tuple(self._users[name])

    def ordered(self) -> tuple[AnyNode, ...]:
        """Every node after its arguments; among those that could come next, the first of the spec."""
        if self._is_in_order:
            return tuple(self)
        import networkx as nx

        names = nx.lexicographical_topological_sort(
            self._net, key=lambda name: self._net.nodes[name]["place"]
        )
        return tuple(self[name] for name in names)

    def is_acyclic(self) -> bool:
        if self._is_in_order:
            return True
        import networkx as nx

        return bool(nx.is_directed_acyclic_graph(self._net))

    def reaching(self, names: Iterable[str], among: Container[str] | None = None) -> frozenset[str]:
        """The given nodes and all that they depend on; `among` these alone, where they are given."""
        found, waiting = set[str](), list(names)
        while waiting:
            if (name := waiting.pop()) not in found and (among is None or name in among):
                found.add(name)
                waiting.extend(self._inputs[name])
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

    @cached_property
    def _users(self) -> Mapping[str, Iterable[str]]:
        users: dict[str, dict[str, None]] = {name: {} for name in self._nodes}
        for name, sources in self._inputs.items():
            for source in sources:
                users.setdefault(source, {})[name] = None
        return users

    @cached_property
    def _is_in_order(self) -> bool:
        """Whether the spec's own order has every node after its arguments, as most specs have it."""
        places = {name: place for place, name in enumerate(self._nodes)}
        last = len(places)
        return all(
            places.get(source, last) < places[name]
            for name, sources in self._inputs.items()
            for source in sources
        )

    @cached_property
    def _net(self) -> "MultiDiGraph[str]":
        """The graph for networkx, which takes long to import and is needed for specs out of order alone."""
        import networkx as nx

        net: MultiDiGraph[str] = nx.MultiDiGraph()
        for place, name in enumerate(self._nodes):
            net.add_node(name, place=place)
        for name, sources in self._inputs.items():
            net.add_edges_from((source, name, position) for position, source in enumerate(sources))
        return nx.freeze(net)
