"""The graph while it grows: nodes, edges, shapes, names, and how much of the bounds is used."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import field, replace
from math import prod
from typing import ClassVar

from deltaplan.compiler.build.context import Context, Overflow, Told
from deltaplan.compiler.build.scope import Wire
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import AnyNode, Layer, show_shape
from deltaplan.compiler.parameters import is_trained
from deltaplan.compiler.shapes import Traced, shape_of, trace
from deltaplan.diagnostics import Diagnostic, Note, Span, SpecError, mistake
from deltaplan.records import dataclass

SHAPES = 8  # that are told where one does not fit
BYTES = 4  # of a number in single precision


@mistake
class TooLarge(Diagnostic):
    code: ClassVar[str] = "too-large"
    title: ClassVar[str] = "the model goes over {limit:,} {what} here"
    label: ClassVar[str] = "{count:,} with this line"
    help: ClassVar[str] = "the bound can be raised on the command line"
    what: str
    count: int
    limit: int


@mistake
class ShareDoesNotFit(Diagnostic):
    code: ClassVar[str] = "share-does-not-fit"
    title: ClassVar[str] = "the parameters of `{owner}` do not fit here: {reason}"
    owner: str
    reason: str


@dataclass(slots=True)
class Sharing:
    """The layers with parameters of one line, which those of another take up in their order."""

    name: str
    span: Span
    layers: Sequence[Layer]
    taken: int = 0


@dataclass(slots=True)
class Draft:
    """`reserved` has the names that the writer gives to lines; no automatic name takes one of them."""

    context: Context
    reserved: frozenset[str] = frozenset()
    nodes: dict[str, AnyNode] = field(default_factory=dict)
    edges: dict[str, tuple[str, ...]] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)  # the names of the nodes in the order of their making
    ends: dict[str, Wire] = field(default_factory=dict)  # what the line or layer of a name gives in the end
    complete: bool = True  # no line is lost by a mistake
    sharing: Sharing | None = None  # whose parameters the layers of the line at hand use
    used: set[str] = field(default_factory=set)  # blocks
    layers: int = 0
    parameters: int = 0
    numbers: int = 0  # values of one sample
    lines: int = 0  # lines that repeats and blocks expanded to
    _skips: dict[Span, tuple[int, int]] = field(default_factory=dict)
    _last: Counter[str] = field(default_factory=Counter)
    _traced: dict[str, Traced] = field(default_factory=dict)

    def name(self, kind: str) -> str:
        """Kind and number: `dense1`, `dense2`."""
        while True:
            self._last[kind] += 1
            name = f"{kind}{self._last[kind]}"
            if name not in self.nodes and name not in self.reserved:
                return name

    def name_once(self, kind: str) -> str:
        """The kind itself; a second one gets a number."""
        return kind if kind not in self.nodes else self.name_after(kind)

    def name_after(self, kind: str) -> str:
        """`loss.squared_error2`: the first free number from 2."""
        self._last[kind] = max(self._last[kind], 1)
        return self.name(kind)

    def add(self, node: AnyNode, *sources: Wire) -> Wire:
        """The node in the graph; its shape is inferred at once.

        Raises SpecError where shapes do not fit, Overflow at the line that goes over a bound.
        """
        given = [wire.shape for wire in sources]
        origins = [self.nodes[wire.node] for wire in sources]
        if isinstance(node, Layer):
            traced = self._traced_layer(node, sources[0])
            shape = traced.shape
            own = traced.size
            if self.sharing and is_trained(node):
                node, own = replace(node, share=self._owner(self.sharing, node, traced)), 0
            self._traced[node.name] = traced
            self._count(node.span, layers=1, parameters=own, numbers=prod(shape))
        else:
            shape = shape_of(node, given, origins)
            self._count(node.span, numbers=prod(shape))
        self.link(node, *(wire.node for wire in sources))
        return self.end(node.name, Wire(node.name, shape, node.span), len(self.trail) - 1)

    def _traced_layer(self, node: Layer, source: Wire) -> Traced:
        """The layer on the shape of its input. Where that does not fit the shapes that led there are told."""
        try:
            return trace(node, source.shape, self.nodes[source.node])
        except SpecError as error:
            if (steps := self._way(source)) and len(steps) > 2:
                note = Note(f"shapes up to here: {' → '.join(steps)}")
                raise SpecError(
                    *(replace(each, notes=(*each.notes, note)) for each in error.diagnostics)
                ) from None
            raise

    def _way(self, wire: Wire) -> list[str]:
        """`input 28x28x1`, `conv1 26x26x8`, … up to this wire, the latest of them; first sources alone."""
        steps: list[str] = []
        name: str | None = wire.node
        while name is not None and len(steps) < SHAPES:
            shape, sources = self.ends[name].shape, self.edges.get(name, ())
            before = self.ends[sources[0]].shape if sources else None
            if shape != before:  # an activation changes nothing
                steps.append(f"`{name}` {show_shape(shape)}")
            name = sources[0] if sources else None
        return (["…"] if name is not None else []) + steps[::-1]

    def _owner(self, sharing: Sharing, node: Layer, traced: Traced) -> str:
        """The layer whose parameters a node uses: the next one of the line that is shared. Raises Told."""
        sharing.taken += 1
        if sharing.taken > len(sharing.layers):
            reason = f"it has {len(sharing.layers)} layers with parameters, and this is one more"
            raise self._misfit(sharing, node, reason)
        owner = sharing.layers[sharing.taken - 1]
        theirs = self._traced[owner.name]
        if (theirs.parameters, theirs.statistics) != (traced.parameters, traced.statistics):
            note = Note(f"`{owner.name}` has {_blocks(theirs)}", owner.span)
            raise self._misfit(sharing, node, f"this layer has {_blocks(traced)}", note)
        return owner.share or owner.name

    def _misfit(self, sharing: Sharing, node: Layer, reason: str, *notes: Note) -> Told:
        mistake = ShareDoesNotFit(span=node.span, owner=sharing.name, reason=reason, notes=notes)
        return self.context.refuse(mistake)

    def end(self, name: str, wire: Wire, first: int) -> Wire:
        """The wire as what the line or layer of that name gives, which began at a place in the trail."""
        self.ends[name] = Wire(wire.node, wire.shape, wire.span, range(first, len(self.trail)))
        return self.ends[name]

    def link(self, node: AnyNode, *sources: str) -> None:
        """A node without a shape to infer: those of the problem give no tensor."""
        self.trail.append(node.name)
        self.nodes[node.name] = node
        self.edges[node.name] = sources

    def line(self, span: Span) -> None:
        """Counts a line that a repeat or a block expands to."""
        self.lines += 1
        limit = 10 * self.context.limits.layers
        if self.lines > limit:
            raise self._over(span, "lines", self.lines, limit)

    def skip(self, span: Span, fits: bool) -> None:
        """Counts a layer of a line with `residual`."""
        have, count = self._skips.get(span, (0, 0))
        self._skips[span] = (have + fits, count + 1)

    @property
    def skips(self) -> tuple[tuple[Span, int, int], ...]:
        """For each line with `residual`, how many of its layers have a skip, of how many."""
        return tuple((span, have, count) for span, (have, count) in self._skips.items())

    def graph(self) -> Graph:
        return Graph(self.nodes.values(), self.edges)

    def _count(self, span: Span, layers: int = 0, parameters: int = 0, numbers: int = 0) -> None:
        self.layers += layers
        self.parameters += parameters
        self.numbers += numbers
        limits = self.context.limits
        size = BYTES * (2 * self.parameters + self.numbers)
        if self.layers > limits.layers:
            raise self._over(span, "layers", self.layers, limits.layers)
        if self.parameters > limits.parameters:
            raise self._over(span, "parameters", self.parameters, limits.parameters)
        if size > limits.bytes:
            raise self._over(span, "bytes", size, limits.bytes)

    def _over(self, span: Span, what: str, count: int, limit: int) -> Overflow:
        """Told once; the rest of the model is not expanded."""
        self.context.refuse(TooLarge(span=span, what=what, count=count, limit=limit))
        return Overflow()


def _blocks(traced: Traced) -> str:
    """`W 5x3, b 5`"""
    shapes = {p.name: p.shape for p in traced.parameters} | {s.name: s.shape for s in traced.statistics}
    return ", ".join(f"{name} {show_shape(shape)}" for name, shape in shapes.items())
