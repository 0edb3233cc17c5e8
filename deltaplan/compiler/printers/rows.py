"""The lines of a model's table: a layer with the activation and the skip that follow it is one row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.lower import Parameter, chain, place_parameters
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


@dataclass(frozen=True)
class Row:
    """One line: its nodes in order, the rows that it takes, and the row whose value its skip adds."""

    nodes: tuple[AnyNode, ...]
    text: str
    shape: Shape
    parameters: int
    sources: tuple[str, ...]
    skip: str | None = None

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

    @cached_property
    def members(self) -> frozenset[str]:
        return frozenset(node.name for node in self.nodes)


def rows(graph: Graph) -> tuple[Row, ...]:
    """The model's rows, each after those that it takes: a row stands where its last node does."""
    places = {node.name: place for place, node in enumerate(graph.ordered())}
    groups = sorted(_groups(graph), key=lambda group: places[group[-1].name])
    owners = {node.name: group[0].name for group in groups for node in group}
    parameters = place_parameters(graph)
    return tuple(_row(graph, group, owners, parameters) for group in groups)


def _groups(graph: Graph) -> Iterator[tuple[AnyNode, ...]]:
    seen: set[str] = set()
    for node in graph.ordered():
        if node.name in seen or isinstance(node, Target | Loss | Penalty):
            continue
        group = chain(graph, node) if isinstance(node, Layer) else [node]
        seen |= {member.name for member in group}
        yield tuple(group)


def _row(
    graph: Graph,
    group: tuple[AnyNode, ...],
    owners: Mapping[str, str],
    parameters: Sequence[Parameter],
) -> Row:
    members = {node.name for node in group}
    skips = [owners[graph.inputs_of(n.name)[1]] for n in group if isinstance(n, Join) and n.skip]
    sources = [owners[name] for name in graph.inputs_of(group[0].name)]
    alone = isinstance(group[0], Join) and group[0].skip
    return Row(
        nodes=group,
        text=" ".join(_words(node) for node in group if not _is_skip(node)) or "skip",
        shape=graph.shapes[group[-1].name],
        parameters=sum(p.size for p in parameters if p.node in members),
        sources=tuple(sources[:1] if alone else sources),
        skip=skips[0] if skips else None,
    )


def _is_skip(node: AnyNode) -> bool:
    return isinstance(node, Join) and node.skip


def _words(node: AnyNode) -> str:
    """A node as a spec would say it."""
    match node:
        case Input():
            return "input"
        case Layer():
            return " ".join([*["output"] * node.output, *_layer_words(node)])
        case Activate():
            return f"{show_value(node.factor)}*{node.use}" if node.factor != 1 else str(node.use)
        case Adapt():
            return f"pad {node.width}"
        case Join():
            return node.kind
        case _:
            return node.name


def _layer_words(node: Layer) -> list[str]:
    """`dense 5 bias=false`; a dense output is an `output 5`, a learned skip a `project 5`."""
    contract = node.use.contract
    attributes = {a.name: a for a in getattr(contract, "attributes", ())}
    values = [
        show_value(value) if attributes[name].positional else f"{name}={show_value(value)}"
        for name, value in node.use.values.items()
        if name in attributes and value != attributes[name].default
    ]
    projects = node.name.endswith(".project")
    kind = "project" if projects else node.use.name
    plain = node.output and kind == "dense"
    bias = ["bias=false"] if not (node.bias or projects) else []
    return [*([] if plain else [kind]), *values, *([f"init={node.init}"] if node.init else []), *bias]


def _is_automatic(node: AnyNode) -> bool:
    """Whether a name is that of the node's kind, with a number or a place before it."""
    kinds: tuple[str, ...]
    match node:
        case Input():
            kinds = ("input",)
        case Layer(output=True):
            kinds = ("output",)
        case Layer():
            kinds = (node.use.name, "project")
        case Join():
            kinds = (node.kind, "residual", "skip")
        case Activate():
            kinds = (node.use.name, "apply")
        case _:
            kinds = ("pad",)
    return node.name.rpartition(".")[2].rstrip("0123456789") in kinds


def show_parameters(count: int) -> str:
    return f"{count:,} parameter{'' if count == 1 else 's'}"
