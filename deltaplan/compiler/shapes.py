"""Shapes and parameters of a layer, by running its forward function on shapes alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal

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
)
from deltaplan.diagnostics import Diagnostic, Note, PluginError, Span, SpecError
from deltaplan.plugins import contracts


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapesDoNotFit(Diagnostic):
    code: ClassVar[str] = "shapes-do-not-fit"
    title: ClassVar[str] = "`{name}` cannot take {given}: {reason}"
    name: str
    given: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinDoesNotFit(Diagnostic):
    code: ClassVar[str] = "join-does-not-fit"
    title: ClassVar[str] = "`{kind}` of shapes that differ: {first} and {second}"
    kind: str
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFailed(Diagnostic):
    code: ClassVar[str] = "layer-failed"
    title: ClassVar[str] = "the layer `{name}` of {owner} does not work: {reason}"
    name: str
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParameterShape:
    """A parameter block of a layer: `W` or `b`, its shape, and how many inputs and outputs one unit has."""

    name: str
    shape: Shape
    fan_in: int
    fan_out: int
    role: Literal["weight", "bias"]

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Traced:
    """What a layer does to a shape: the shape of one sample that it gives, and its parameters in order."""

    shape: Shape
    parameters: tuple[ParameterShape, ...]

    @property
    def size(self) -> int:
        """The number of its parameters."""
        return sum(p.size for p in self.parameters)


def show_shape(shape: Shape) -> str:
    """A shape as the user sees it: `45`, `28x28x1`, `scalar`."""
    return "x".join(map(str, shape)) or "scalar"


def trace(use_of_layer: Layer, given: Shape, source: AnyNode | None = None) -> Traced:
    """Runs the layer's forward function on the shape of one sample.

    Raises SpecError where the shapes do not fit (`source`, the node that gives the shape, is named in the
    error) and PluginError where the function does not keep the contract.
    """
    contract = use_of_layer.use.contract
    assert isinstance(contract, contracts.Layer), "a Layer node uses a contract of kind layer"
    builder = ShapeBuilder(use_of_layer, given, source)
    try:
        result = contract.forward(builder, Sketch(given), **use_of_layer.use.values)
    except (SpecError, PluginError):
        raise
    except Exception as error:
        raise _failed(use_of_layer, f"{type(error).__name__}: {error}") from error
    if not isinstance(result, Sketch):
        raise _failed(use_of_layer, f"its forward function gave {type(result).__name__}, not a tensor")
    return Traced(result.shape, tuple(builder.parameters))


def parameters_of(layer: Layer, given: Shape) -> tuple[ParameterShape, ...]:
    """The parameter blocks of a layer for the shape of one sample at its input, in the order of θ."""
    return trace(layer, given).parameters


@dataclass(frozen=True, slots=True)
class Sketch:
    """A tensor of which only the shape is known."""

    shape: Shape


class ShapeBuilder:
    """The builder of `plugins.contracts` for shapes: it keeps parameters and computes nothing."""

    training = True

    def __init__(self, layer: Layer, given: Shape, source: AnyNode | None) -> None:
        self.parameters: list[ParameterShape] = []
        self._layer, self._given, self._source = layer, given, source

    def weight(self, name: str, shape: Sequence[int], fan_in: int, fan_out: int) -> Sketch:
        return self._parameter(ParameterShape(name, tuple(shape), fan_in, fan_out, "weight"))

    def bias(self, name: str, shape: Sequence[int], fan_in: int) -> Sketch | None:
        if not self._layer.bias:
            return None
        return self._parameter(ParameterShape(name, tuple(shape), fan_in, prod(shape), "bias"))

    def matmul(self, a: Sketch, b: Sketch) -> Sketch:
        if len(a.shape) != 2 or len(b.shape) != 1 or a.shape[1] != b.shape[0]:
            raise self.refuse(
                f"a matrix of shape {show_shape(a.shape)} times one of shape {show_shape(b.shape)}"
            )
        return Sketch(a.shape[:1])

    def map(self, function: Callable[..., Any], *tensors: Sketch) -> Sketch:
        return Sketch(self._broadcast([t.shape for t in tensors]))

    def uniform(self, shape: Sequence[int]) -> Sketch:
        return Sketch(tuple(shape))

    def refuse(self, message: str) -> SpecError:
        """The error at the layer's line, with the line that its input comes from."""
        return SpecError(
            ShapesDoNotFit(
                name=self._layer.use.name,
                given=f"an input of shape {show_shape(self._given)}",
                reason=message,
                span=self._layer.span,
                notes=_origin(self._source, self._given),
            )
        )

    def _parameter(self, parameter: ParameterShape) -> Sketch:
        if any(known.name == parameter.name for known in self.parameters):
            raise _failed(self._layer, f"it has two parameters of the name {parameter.name!r}")
        if not all(isinstance(side, int) and side > 0 for side in parameter.shape):
            raise _failed(self._layer, f"the shape of {parameter.name!r} is {parameter.shape}")
        self.parameters.append(parameter)
        return Sketch(parameter.shape)

    def _broadcast(self, shapes: Sequence[Shape]) -> Shape:
        rank = max(map(len, shapes), default=0)
        padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
        for sides in zip(*padded, strict=True):
            if len(set(sides) - {1}) > 1:
                raise self.refuse(f"shapes {' and '.join(map(show_shape, shapes))} do not go together")
        return tuple(max(sides) for sides in zip(*padded, strict=True))


def _origin(source: AnyNode | None, shape: Shape) -> tuple[Note, ...]:
    if source is None:
        return ()
    return (Note(f"`{source.name}` gives the shape {show_shape(shape)}", source.span),)


def _failed(layer: Layer, reason: str) -> PluginError:
    contract = layer.use.contract
    return PluginError(
        LayerFailed(name=contract.name, owner=str(contract.owner), reason=reason, span=layer.use.span)
    )


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
            return (width, *given[0][1:])
        case Target() | Loss() | Penalty():
            return ()


def join_shape(kind: str, given: Sequence[Shape], span: Span, sources: Sequence[AnyNode] = ()) -> Shape:
    """The shape that a join gives; concat goes along the first axis, the others take equal shapes."""
    apart = next((i for i, shape in enumerate(given) if not _joins(kind, given[0], shape)), None)
    if apart is not None:
        raise SpecError(
            JoinDoesNotFit(
                kind=kind,
                first=show_shape(given[0]),
                second=show_shape(given[apart]),
                span=span,
                notes=tuple(n for i in (0, apart) for n in _origin(_at(sources, i), given[i])),
            )
        )
    if kind == "concat":
        return (sum(shape[0] for shape in given), *given[0][1:])
    return given[0]


def _joins(kind: str, first: Shape, other: Shape) -> bool:
    return first[1:] == other[1:] and len(first) == len(other) if kind == "concat" else first == other


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
