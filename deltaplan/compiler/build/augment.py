"""`augment flip, shift(4)`: what training sees in place of an input."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from deltaplan.compiler.build.activations import find_use
from deltaplan.compiler.build.binding import GivenTwice, ValueNeeded, bind
from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.columns import forgotten_comma
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Scope, Wire
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import AnyNode, Input, Layer, Use
from deltaplan.compiler.shapes import trace
from deltaplan.compiler.sketches import failed
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Augmentation

Augmentations = Mapping[str, tuple[Use, ...]]
AUGMENT = Form("augment", "data line", (Slot("on", "tree"),))


@mistake
class WhichInput(Diagnostic):
    code: ClassVar[str] = "which-input"
    title: ClassVar[str] = "the model has several inputs, and `augment` does not say for which it is"
    help: ClassVar[str] = "add `on={example}`"
    example: str


def read_augment(
    context: Context, scope: Scope, given: Mapping[str, Wire], reads: Iterable[Read]
) -> Augmentations:
    """What the lines say for each input, in their order. Every mistake is told before Told is raised."""
    found: dict[str, dict[str, Use]] = {}
    before = len(context.problems.errors)
    for read in reads:
        options = [item for item in read.line.items if isinstance(item, tree.Option)]
        values = [item for item in read.line.items if not isinstance(item, tree.Option)]
        names = context.attempt(_inputs, context, scope, given, read, options) or ()
        for use in _uses(context, scope, read, values):
            for name in names:
                if found.setdefault(name, {}).setdefault(use.name, use) is not use:
                    context.refuse(GivenTwice(span=use.span, name=use.name))
    if len(context.problems.errors) > before:
        raise Told
    return {name: tuple(uses.values()) for name, uses in found.items()}


def _inputs(
    context: Context, scope: Scope, given: Mapping[str, Wire], read: Read, options: list[tree.Option]
) -> tuple[str, ...]:
    """The inputs that a line is for: the only one, or those of `on=`. Raises Told."""
    on = bind(context, scope, AUGMENT, options, read.span).trees.get("on")
    if on is None and len(given) > 1:
        raise context.refuse(WhichInput(span=read.span, example=next(iter(given))))
    if on is None:
        return tuple(given)
    names = on.items if isinstance(on, tree.List) else (on,)
    for name in names:
        if name.span.text not in given:
            unknown(context, "input", name.span.text, name.span, given, list_known=True)
    return tuple(name.span.text for name in names)


def _uses(context: Context, scope: Scope, read: Read, values: Sequence[Item]) -> Iterator[Use]:
    """What the line names, with the values that it gives."""
    if not values:
        what, example = "what is done to the inputs", "augment noise(0.05)"
        context.refuse(ValueNeeded(span=read.span, owner="augment", what=what, example=example))
        return
    first, *others = values
    for other in others:
        context.refuse(forgotten_comma(first, other))
    for value in first.items if isinstance(first, tree.Values) else (first,):
        assert not isinstance(value, tree.Option | tree.Values)
        name = value.name if isinstance(value, tree.Call) else value.span.text
        if use := context.attempt(find_use, context, scope, "augmentation", value, name):
            yield use


def check_augment(context: Context, given: Mapping[str, Wire], augment: Augmentations) -> None:
    """Tells what does not fit the shape of its input."""
    for name, uses in augment.items():
        for use in uses:
            wire = given[name]
            origin = Input(name=name, span=wire.span, shape=wire.shape)
            context.attempt(_check, _layer(name, use), origin)


def _check(layer: Layer, origin: Input) -> None:
    traced = trace(layer, origin.shape, origin)
    if traced.shape != origin.shape:
        raise failed(layer, f"it makes {traced.shape} of an input of the shape {origin.shape}")
    if traced.parameters or traced.statistics:
        raise failed(layer, "an augmentation has no parameters")


def augmented(graph: Graph, augment: Augmentations) -> Graph:
    """The graph with a node for each use, between the input and those that take it."""
    if not any(augment.values()):
        return graph
    nodes: list[AnyNode] = []
    edges = dict(graph.edges)
    ends: dict[str, str] = {}
    for node in graph:
        nodes.append(node)
        if not isinstance(node, Input):
            edges[node.name] = tuple(ends.get(source, source) for source in graph.edges[node.name])
        for use in augment.get(node.name, ()) if isinstance(node, Input) else ():
            layer = _layer(node.name, use)
            edges[layer.name] = (ends.get(node.name, node.name),)
            ends[node.name] = layer.name
            nodes.append(layer)
    return Graph(nodes, edges)


def _layer(name: str, use: Use) -> Layer:
    assert isinstance(use.contract, Augmentation)
    layer = Use(use.contract.layer, use.values, use.span)
    return Layer(name=f"{name}.{use.name}", span=use.span, use=layer)
