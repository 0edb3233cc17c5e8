"""The builder that a layer is run with on shapes alone, to learn its parameters and what it gives."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, ClassVar, Literal

from deltaplan.compiler.nodes import AnyNode, Layer, Shape, show_shape
from deltaplan.compiler.plans import Role as Role
from deltaplan.compiler.windows import Window
from deltaplan.diagnostics import Diagnostic, Note, PluginError, SpecError, mistake
from deltaplan.plugins.expressions import Expr, argument
from deltaplan.records import dataclass


@mistake
class ShapesDoNotFit(Diagnostic):
    code: ClassVar[str] = "shapes-do-not-fit"
    title: ClassVar[str] = "`{name}` cannot take {given}: {reason}"
    name: str
    given: str
    reason: str


@mistake
class LayerFailed(Diagnostic):
    code: ClassVar[str] = "layer-failed"
    title: ClassVar[str] = "the layer `{name}` of {owner} does not work: {reason}"
    name: str
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParameterShape:
    """A parameter block of a layer: `W` or `b`, its shape, and how many inputs and outputs one unit has. What
    has a `first` value begins with it everywhere."""

    name: str
    shape: Shape
    fan_in: int
    fan_out: int
    role: Role
    first: float | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class StatisticShape:
    """A running statistic of a layer: its shape, and the value that it begins with everywhere."""

    name: str
    shape: Shape
    first: float


@dataclass(frozen=True, slots=True)
class Sketch:
    """A tensor of which only the shape is known."""

    shape: Shape


class SketchBuilder:
    """The builder of `plugins.building` for shapes: it keeps parameters and statistics and computes
    nothing."""

    training = True
    samples = Sketch(())

    def __init__(self, layer: Layer, given: Shape, source: AnyNode | None) -> None:
        self.parameters: list[ParameterShape] = []
        self.statistics: list[StatisticShape] = []
        self._layer, self._given, self._source = layer, given, source

    def weight(self, name: str, shape: Sequence[int], fan_in: int, fan_out: int) -> Sketch:
        return self._parameter(ParameterShape(name, tuple(shape), fan_in, fan_out, "weight"))

    def bias(self, name: str, shape: Sequence[int], fan_in: int | None = None) -> Sketch | None:
        if not self._layer.bias:
            return None
        first = 0.0 if fan_in is None else None
        return self._parameter(ParameterShape(name, tuple(shape), fan_in or 1, prod(shape), "bias", first))

    def factor(self, name: str, shape: Sequence[int]) -> Sketch:
        return self._parameter(ParameterShape(name, tuple(shape), 1, prod(shape), "factor", 1.0))

    def statistic(self, name: str, shape: Sequence[int], first: float) -> Sketch:
        self._check(name, shape)
        self.statistics.append(StatisticShape(name, tuple(shape), first))
        return Sketch(tuple(shape))

    def update(self, name: str, value: Sketch) -> None:
        known = next((s for s in self.statistics if s.name == name), None)
        if known is None or known.shape != value.shape:
            raise failed(self._layer, f"it updates {name!r}, which is no statistic of its shape")

    def matmul(self, a: Sketch, b: Sketch) -> Sketch:
        if len(a.shape) != 2 or len(b.shape) not in (1, 2) or a.shape[1] != b.shape[0]:
            raise self.refuse(
                f"a matrix of shape {show_shape(a.shape)} times one of shape {show_shape(b.shape)}"
            )
        return Sketch((a.shape[0], *b.shape[1:]))

    def conv(
        self,
        w: Sketch,
        x: Sketch,
        *,
        stride: Sequence[int],
        dilation: Sequence[int],
        before: Sequence[int],
        after: Sequence[int],
        groups: int = 1,
    ) -> Sketch:
        out, *kernel, channels = w.shape
        if channels * groups != x.shape[-1] or out % groups:
            raise self.refuse(
                f"a kernel of shape {show_shape(w.shape)} in {groups} groups on {x.shape[-1]} channels"
            )
        window = Window(*(tuple(each) for each in (kernel, stride, dilation, before, after)))
        return Sketch((*self._places(window, x), out))

    def sparse(self, w: Sketch, x: Sketch, rows: int, seed: int) -> Sketch:
        if len(w.shape) != 1 or len(x.shape) != 1 or not rows <= w.shape[0] <= rows * x.shape[0]:
            raise self.refuse(
                f"{w.shape[0]} entries in a matrix of {rows} rows times a shape of {show_shape(x.shape)}"
            )
        return Sketch((rows,))

    def pool(
        self,
        kind: Literal["sum", "max"],
        x: Sketch,
        *,
        kernel: Sequence[int],
        stride: Sequence[int],
        before: Sequence[int],
        after: Sequence[int],
    ) -> Sketch:
        ones = (1,) * len(kernel)
        window = Window(*(tuple(each) for each in (kernel, stride, ones, before, after)))
        if any(max(pads) >= k for k, *pads in zip(kernel, before, after, strict=True)):
            raise self.refuse(f"a window of {show_shape(window.kernel)} would see padding alone")
        return Sketch((*self._places(window, x), x.shape[-1]))

    def unpool(self, x: Sketch, times: Sequence[int]) -> Sketch:
        return Sketch((*(n * k for n, k in zip(x.shape[:-1], times, strict=True)), x.shape[-1]))

    def sum(self, x: Sketch, axes: Sequence[int], samples: bool = False) -> Sketch:
        for axis in axes:
            self._side(x, axis)
        return Sketch(tuple(n for axis, n in enumerate(x.shape) if axis not in axes))

    def largest(self, x: Sketch, axis: int) -> Sketch:
        return self.sum(x, (axis,))

    def reshape(self, x: Sketch, shape: Sequence[int]) -> Sketch:
        if prod(shape) != prod(x.shape):
            raise self.refuse(
                f"{show_shape(tuple(shape))} holds {prod(shape):,} numbers, not {prod(x.shape):,}"
            )
        return Sketch(tuple(shape))

    def slice(self, x: Sketch, axis: int, begin: int, end: int) -> Sketch:
        side = self._side(x, axis)
        if not 0 <= begin < end <= side:
            raise self.refuse(
                f"the slice {begin}:{end} of the {side} on axis {axis} of {show_shape(x.shape)}"
            )
        return Sketch((*x.shape[:axis], end - begin, *x.shape[axis + 1 :]))

    def reverse(self, x: Sketch, axis: int) -> Sketch:
        self._side(x, axis)
        return x

    def pad(self, x: Sketch, axis: int, before: int, after: int) -> Sketch:
        if min(before, after, self._side(x, axis)) < 0:
            raise self.refuse(f"{before} zeros before and {after} after axis {axis}")
        return Sketch((*x.shape[:axis], before + x.shape[axis] + after, *x.shape[axis + 1 :]))

    def map(self, function: Callable[..., Any], *tensors: Sketch) -> Sketch:
        given = function(*(argument(f"x{i}") for i in range(len(tensors))))
        if not isinstance(given, Expr):
            raise failed(self._layer, f"a map's function gave {type(given).__name__}, not an expression")
        return Sketch(self._broadcast([t.shape for t in tensors]))

    def constant(self, value: float, shape: Sequence[int]) -> Sketch:
        return Sketch(tuple(shape))

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
                notes=origin(self._source, self._given),
            )
        )

    def _side(self, x: Sketch, axis: int) -> int:
        """The length of an axis; axes are counted from 0."""
        if not 0 <= axis < len(x.shape):
            raise self.refuse(f"axis {axis} of a shape {show_shape(x.shape)}")
        return x.shape[axis]

    def _places(self, window: Window, x: Sketch) -> Shape:
        """How often the window fits on each side."""
        if len(x.shape) != window.axes + 1:
            raise self.refuse(f"a window of {show_shape(window.kernel)} over {show_shape(x.shape)}")
        places = window.places(x.shape[:-1])
        if min(places) < 1:
            raise self.refuse(f"a window that reaches over {show_shape(window.reach)} does not fit into it")
        return places

    def _parameter(self, parameter: ParameterShape) -> Sketch:
        self._check(parameter.name, parameter.shape)
        self.parameters.append(parameter)
        return Sketch(parameter.shape)

    def _check(self, name: str, shape: Sequence[int]) -> None:
        if name in {p.name for p in self.parameters} | {s.name for s in self.statistics}:
            raise failed(self._layer, f"it has two parameters of the name {name!r}")
        if not all(isinstance(side, int) and side > 0 for side in shape):
            raise failed(self._layer, f"the shape of {name!r} is {tuple(shape)}")

    def _broadcast(self, shapes: Sequence[Shape]) -> Shape:
        rank = max(map(len, shapes), default=0)
        padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
        for sides in zip(*padded, strict=True):
            if len(set(sides) - {1}) > 1:
                raise self.refuse(f"shapes {' and '.join(map(show_shape, shapes))} do not go together")
        return tuple(max(sides) for sides in zip(*padded, strict=True))


def origin(source: AnyNode | None, shape: Shape) -> tuple[Note, ...]:
    """Where a shape comes from."""
    if source is None:
        return ()
    return (Note(f"`{source.name}` gives the shape {show_shape(shape)}", source.span),)


def failed(layer: Layer, reason: str) -> PluginError:
    """The error of a layer whose forward function does not keep the contract."""
    contract = layer.use.contract
    return PluginError(
        LayerFailed(name=contract.name, owner=str(contract.owner), reason=reason, span=layer.use.span)
    )
