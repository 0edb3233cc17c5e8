"""The lines of a model's table: a layer with the activation and the skip that follow it is one row."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from deltaplan.compiler.build.words import APPLIED
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import (
    Activate,
    Adapt,
    AnyNode,
    Input,
    Join,
    Layer,
    Loss,
    Penalty,
    Shape,
    Target,
    show_value,
)
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.symbols import chain
from deltaplan.plugins.contracts import Attribute
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Skip:
    """What a row adds to its branch: the value of another row, as it is or made to fit by `adapter`."""

    source: str
    adapter: AnyNode | None = None

    @property
    def word(self) -> str:
        """`skip`, `project` or `pad`"""
        return "skip" if self.adapter is None else "pad" if isinstance(self.adapter, Adapt) else "project"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: its nodes in order, the rows that it takes, and its skips."""

    nodes: tuple[AnyNode, ...]
    text: str
    shape: Shape
    parameters: int
    sources: tuple[str, ...]
    skips: tuple[Skip, ...] = ()

    @property
    def name(self) -> str:
        return self.nodes[0].name

    @property
    def line(self) -> int:
        return self.nodes[0].span.line

    @property
    def label(self) -> str:
        """The name that the writer gave, else nothing."""
        return "" if _is_automatic(self.nodes[0]) else self.name

    @property
    def members(self) -> frozenset[str]:
        """The names of its nodes, with those that make a skip fit."""
        adapters = [skip.adapter for skip in self.skips if skip.adapter]
        return frozenset(node.name for node in (*self.nodes, *adapters))

    @property
    def taken(self) -> tuple[str, ...]:
        """The rows that it depends on."""
        return (*self.sources, *(skip.source for skip in self.skips))


def rows(graph: Graph) -> tuple[Row, ...]:
    """The model's rows, each after those that it takes: a row stands where its last node does."""
    places = {node.name: place for place, node in enumerate(graph.ordered())}
    groups = sorted(_groups(graph), key=lambda group: places[group[-1].name])
    owners = {node.name: group[0].name for group in groups for node in group}
    sizes = Counter[str]()
    for parameter in place_parameters(graph):
        sizes[parameter.node] += parameter.size
    return tuple(_row(graph, group, owners, sizes) for group in groups)


def _groups(graph: Graph) -> Iterator[tuple[AnyNode, ...]]:
    """Each layer's chain of nodes; what only makes a skip fit belongs to the row of the skip."""
    seen = {node.name for join in graph.of(Join) if (node := _adapter(graph, join))}
    for node in graph.ordered():
        if node.name in seen or isinstance(node, Target | Loss | Penalty):
            continue
        group = chain(graph, node) if isinstance(node, Layer) else [node]
        seen |= {member.name for member in group}
        yield tuple(group)


def _adapter(graph: Graph, join: Join) -> AnyNode | None:
    """The node that makes the skip of a join fit."""
    if not join.skip:
        return None
    node = graph[graph.inputs_of(join.name)[1]]
    return node if isinstance(node, Adapt) or _is_project(node) else None


def _is_project(node: AnyNode) -> bool:
    return isinstance(node, Layer) and node.name.endswith(".project")


def _row(
    graph: Graph, group: tuple[AnyNode, ...], owners: Mapping[str, str], sizes: Mapping[str, int]
) -> Row:
    joins = [node for node in group if isinstance(node, Join) and node.skip]
    skips = tuple(_skip(graph, join, owners) for join in joins)
    row = Row(
        nodes=group,
        text=" ".join(["apply"] * _is_applied(group[0]) + [_words(n) for n in group if n not in joins])
        or "skip",
        shape=graph.shapes[group[-1].name],
        parameters=0,
        sources=tuple(
            owners[name] for name in graph.inputs_of(group[0].name)[: 1 if group[0] in joins else None]
        ),
        skips=skips,
    )
    return replace(row, parameters=sum(sizes[name] for name in row.members))


def _is_applied(node: AnyNode) -> bool:
    """Whether a function stands on a line of its own."""
    return isinstance(node, Activate) or (isinstance(node, Layer) and node.use.name in APPLIED)


def _skip(graph: Graph, join: Join, owners: Mapping[str, str]) -> Skip:
    adapter = _adapter(graph, join)
    source = graph.inputs_of(adapter.name)[0] if adapter else graph.inputs_of(join.name)[1]
    return Skip(owners[source], adapter)


def _words(node: AnyNode) -> str:
    """A node as a spec would say it."""
    match node:
        case Input():
            return "input"
        case Layer():
            return " ".join([*["output"] * node.output, *_layer_words(node)])
        case Activate():
            return f"{show_value(node.factor)}*{node.use}" if node.factor != 1 else str(node.use)
        case Join():
            return node.kind
        case _:
            return node.name


def _layer_words(node: Layer) -> list[str]:
    """`dense 5 bias=false`; a dense output is an `output 5`."""
    attributes = {a.name: a for a in getattr(node.use.contract, "attributes", ())}
    given = sorted(node.use.values.items(), key=lambda item: not _is_positional(attributes, item[0]))
    values = [
        show_value(value) if attributes[name].positional else f"{name}={show_value(value)}"
        for name, value in given
        if name in attributes and value != attributes[name].default
    ]
    kind = [] if node.output and node.use.name == "dense" else [node.use.name]
    bias = [] if node.bias else ["bias=false"]
    init = [f"init={node.init}"] if node.init else []
    share = [f"share={node.share}"] if node.share else []
    return [*kind, *values, *init, *bias, *share, *["freeze"] * node.freeze]


def _is_positional(attributes: Mapping[str, Attribute], name: str) -> bool:
    return name in attributes and attributes[name].positional


def _is_automatic(node: AnyNode) -> bool:
    """Whether a name is that of the node's kind, with a number or a place before it."""
    kinds: tuple[str, ...]
    match node:
        case Input():
            kinds = ("input",)
        case Layer(output=True):
            kinds = ("output",)
        case Layer():
            kinds = (node.use.name, "apply")
        case Join():
            kinds = (node.kind, "residual", "skip")
        case Activate():
            kinds = (node.use.name, "apply")
        case _:
            kinds = ("pad",)
    return node.name.rpartition(".")[2].rstrip("0123456789") in kinds
