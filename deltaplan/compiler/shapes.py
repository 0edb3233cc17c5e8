"""Shapes and parameters of a layer, by running its forward function on shapes alone."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

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
    show_shape,
)
from deltaplan.compiler.sketches import ParameterShape, Sketch, SketchBuilder, StatisticShape, failed, origin
from deltaplan.diagnostics import Diagnostic, PluginError, Span, SpecError, mistake
from deltaplan.plugins import contracts
from deltaplan.records import dataclass


@mistake
class JoinDoesNotFit(Diagnostic):
    code: ClassVar[str] = "join-does-not-fit"
    title: ClassVar[str] = "`{kind}` of shapes that differ: {first} and {second}"
    kind: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Traced:
    """What a layer does to a shape: the shape of one sample that it gives, its parameters and its running
    statistics in order."""

    shape: Shape
    parameters: tuple[ParameterShape, ...]
    statistics: tuple[StatisticShape, ...] = ()

    @property
    def size(self) -> int:
        """The number of its parameters."""
        return sum(p.size for p in self.parameters)


def trace(use_of_layer: Layer, given: Shape, source: AnyNode | None = None) -> Traced:
    """Runs the layer's forward function on the shape of one sample.

    Raises SpecError where the shapes do not fit (`source`, the node that gives the shape, is named in the
    error) and PluginError where the function does not keep the contract.
    """
    contract, values = use_of_layer.use.contract, use_of_layer.use.values
    assert isinstance(contract, contracts.Layer), "a Layer node uses a contract of kind layer"
    alike = (contract.forward, tuple(values.items()), use_of_layer.bias, given)
    if alike in _traced:
        return _traced[alike]
    found = _run(contract, use_of_layer, given, source)
    if len(_traced) >= REMEMBERED:
        _traced.clear()
    _traced[alike] = found
    return found


REMEMBERED = 4096  # kinds of layers: those of one model are alike, and each is asked for in several passes
_traced: dict[object, "Traced"] = {}


def _run(contract: contracts.Layer, use_of_layer: Layer, given: Shape, source: AnyNode | None) -> Traced:
    builder = SketchBuilder(use_of_layer, given, source)
    try:
        result = contract.forward(builder, Sketch(given), **use_of_layer.use.values)
    except (SpecError, PluginError):
        raise
    except Exception as error:
        raise failed(use_of_layer, f"{type(error).__name__}: {error}") from error
    if not isinstance(result, Sketch):
        raise failed(use_of_layer, f"its forward function gave {type(result).__name__}, not a tensor")
    return Traced(result.shape, tuple(builder.parameters), tuple(builder.statistics))


def parameters_of(layer: Layer, given: Shape) -> tuple[ParameterShape, ...]:
    """The parameter blocks of a layer for the shape of one sample at its input, in the order of θ."""
    return trace(layer, given).parameters


def shape_of(node: AnyNode, given: Sequence[Shape], sources: Sequence[AnyNode] = ()) -> Shape:
    """The shape of one sample of what a node gives, from the shapes of its arguments."""
    match node:
        case Input(shape=shape):
            return shape
        case Layer():
            return trace(node, given[0], sources[0] if sources else None).shape
        case Activate():
            return given[0]
        case Join():
            return join_shape(node.kind, given, node.span, sources)
        case Adapt(width=width):
            return (*given[0][:-1], width)
        case Target() | Loss() | Penalty():
            return ()


def join_shape(kind: str, given: Sequence[Shape], span: Span, sources: Sequence[AnyNode] = ()) -> Shape:
    """The shape that a join gives; concat goes along the last axis, the others take equal shapes."""
    apart = next((i for i, shape in enumerate(given) if not _joins(kind, given[0], shape)), None)
    if apart is not None:
        raise SpecError(
            JoinDoesNotFit(
                kind=kind,
                first=show_shape(given[0]),
                second=show_shape(given[apart]),
                span=span,
                notes=tuple(n for i in (0, apart) for n in origin(_at(sources, i), given[i])),
            )
        )
    if kind == "concat":
        return (*given[0][:-1], sum(shape[-1] for shape in given))
    return given[0]


def _joins(kind: str, first: Shape, other: Shape) -> bool:
    return first[:-1] == other[:-1] and len(first) == len(other) if kind == "concat" else first == other


def _at(sources: Sequence[AnyNode], index: int) -> AnyNode | None:
    return sources[index] if sources else None


def infer(nodes: Sequence[AnyNode], inputs: Mapping[str, tuple[str, ...]]) -> dict[str, Shape]:
    """The shapes of all nodes; each must stand after its arguments."""
    by_name = {node.name: node for node in nodes}
    shapes: dict[str, Shape] = {}
    for node in nodes:
        names = inputs.get(node.name, ())
        if isinstance(node, Target):
            shapes[node.name] = shapes[node.output]
        else:
            shapes[node.name] = shape_of(node, [shapes[n] for n in names], [by_name[n] for n in names])
    return shapes
