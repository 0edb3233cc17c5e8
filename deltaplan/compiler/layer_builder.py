"""The builder of primitives that a layer's forward function writes its plan with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Literal

from deltaplan.compiler.nodes import Layer, Shape
from deltaplan.compiler.parameters import Parameter
from deltaplan.compiler.steps import (
    Conv,
    Map,
    MatMul,
    Pattern,
    Place,
    Pool,
    Random,
    Reduce,
    Slice,
    Sparse,
    Tensor,
    Unpool,
    View,
)
from deltaplan.compiler.windows import Window
from deltaplan.compiler.writing import StepWriter
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr, argument, const

CALLS = 1 << 20  # of the counter's word for a node: which of a layer's random steps it is


class LayerBuilder:
    """The Builder of `plugins.building` for one layer. `stream` tells its random numbers from others;
    `samples` is the number of samples in the batch, in training. `statistics` has the running ones by their
    names, as they are after the steps so far."""

    def __init__(
        self,
        writer: StepWriter,
        layer: Layer,
        parameters: Mapping[str, Parameter],
        statistics: dict[str, Tensor],
        stream: int,
        samples: Tensor | None,
    ) -> None:
        self._writer, self._layer, self._parameters = writer, layer, parameters
        self._owner = layer.share or layer.name
        self._statistics = statistics
        self._streams = count(stream, CALLS)
        self._samples = samples

    @property
    def training(self) -> bool:
        return self._samples is not None

    @property
    def samples(self) -> Tensor:
        assert self._samples is not None, "a layer looks at the batch in training alone"
        return self._samples

    def write(self, source: Tensor, name: str) -> Tensor:
        """Writes the layer's steps; the last one's output is called `name`."""
        contract = self._layer.use.contract
        assert isinstance(contract, contracts.Layer)
        forward: Callable[..., Any] = contract.forward
        value: Tensor = forward(self, source, **self._layer.use.values)
        return self._renamed(value, name)

    def weight(self, name: str, shape: Shape, fan_in: int, fan_out: int) -> Tensor:
        return self._parameter(name)

    def bias(self, name: str, shape: Shape, fan_in: int | None = None) -> Tensor | None:
        return self._parameter(name) if self._layer.bias else None

    def factor(self, name: str, shape: Shape) -> Tensor:
        return self._parameter(name)

    def statistic(self, name: str, shape: Shape, first: float) -> Tensor:
        return self._statistics[f"{self._owner}.{name}"]

    def update(self, name: str, value: Tensor) -> None:
        before = self._statistics[f"{self._owner}.{name}"]
        after = self._writer.elementwise(f"{before.name}\N{PRIME}", (argument("x0"),), (value,), "{0}")
        self._statistics[f"{self._owner}.{name}"] = after

    def _parameter(self, name: str) -> Tensor:
        return self._parameters[f"{self._owner}.{name}"].tensor

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        if a.batched or len(b.shape) == 2:
            return self._products_of_samples(a, b)
        out = self._out((a.shape[0],), b)
        return self._writer.emit(MatMul(inputs=(a, b), outputs=(out,), formula="{0} {1}"))

    def _products_of_samples(self, a: Tensor, b: Tensor) -> Tensor:
        """The product of matrices that each sample has of its own: all factors side by side, then sums."""
        (rows, inner), columns = a.shape, b.shape[1:]
        left = self.reshape(a, (rows, inner, *(1 for _ in columns)))
        return self.sum(self.map(lambda x, y: x * y, left, b), (1,))

    def conv(
        self,
        w: Tensor,
        x: Tensor,
        *,
        stride: Shape,
        dilation: Shape,
        before: Shape,
        after: Shape,
        groups: int = 1,
    ) -> Tensor:
        window = Window(*map(tuple, (w.shape[1:-1], stride, dilation, before, after)))
        out = self._out((*window.places(x.shape[:-1]), w.shape[0]), x)
        return self._writer.emit(Conv(inputs=(x, w), outputs=(out,), slot="y", window=window, groups=groups))

    def sparse(self, w: Tensor, x: Tensor, rows: int, seed: int) -> Tensor:
        stream = next(p.number for p in self._parameters.values() if p.tensor == w)
        pattern = Pattern(rows, x.shape[0], w.shape[0], seed, stream)
        step = Sparse(inputs=(x, w), outputs=(self._out((rows,), x),), slot="y", pattern=pattern)
        return self._writer.emit(step)

    def pool(
        self,
        kind: Literal["sum", "max"],
        x: Tensor,
        *,
        kernel: Shape,
        stride: Shape,
        before: Shape,
        after: Shape,
    ) -> Tensor:
        window = Window(*map(tuple, (kernel, stride, (1,) * len(kernel), before, after)))
        out = self._out((*window.places(x.shape[:-1]), x.shape[-1]), x)
        return self._writer.emit(Pool(inputs=(x,), outputs=(out,), kind=kind, window=window))

    def unpool(self, x: Tensor, times: Shape) -> Tensor:
        times, zeros = tuple(times), (0,) * len(times)
        window = Window(times, times, (1,) * len(times), zeros, zeros)
        sides = tuple(n * k for n, k in zip(x.shape[:-1], times, strict=True))
        return self._writer.emit(
            Unpool(inputs=(x,), outputs=(self._out((*sides, x.shape[-1]), x),), window=window)
        )

    def sum(self, x: Tensor, axes: Sequence[int], samples: bool = False) -> Tensor:
        axes = tuple(sorted(axes))
        shape = tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
        out = Tensor(self._writer.temporary(), shape, x.batched and not samples)
        return self._writer.emit(Reduce(inputs=(x,), outputs=(out,), kind="sum", axes=axes, batch=samples))

    def largest(self, x: Tensor, axis: int) -> Tensor:
        out = self._out((*x.shape[:axis], *x.shape[axis + 1 :]), x)
        return self._writer.emit(Reduce(inputs=(x,), outputs=(out,), kind="max", axes=(axis,), stop=True))

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        return self._writer.emit(View(inputs=(x,), outputs=(self._out(tuple(shape), x),)))

    def slice(self, x: Tensor, axis: int, begin: int, end: int) -> Tensor:
        out = self._out((*x.shape[:axis], end - begin, *x.shape[axis + 1 :]), x)
        return self._writer.emit(Slice(inputs=(x,), outputs=(out,), axis=axis, begin=begin, end=end))

    def reverse(self, x: Tensor, axis: int) -> Tensor:
        step = Slice(inputs=(x,), outputs=(self._out(x.shape, x),), axis=axis, begin=0, end=x.shape[axis])
        return self._writer.emit(replace(step, reverse=True))

    def pad(self, x: Tensor, axis: int, before: int, after: int) -> Tensor:
        out = self._out((*x.shape[:axis], before + x.shape[axis] + after, *x.shape[axis + 1 :]), x)
        return self._writer.emit(Place(inputs=(x,), outputs=(out,), axis=axis, begins=(before,)))

    def map(self, function: Callable[..., Expr], *tensors: Tensor) -> Tensor:
        expression = function(*(argument(f"x{i}") for i in range(len(tensors))))
        is_sum = len(tensors) == 2 and expression is argument("x0") + argument("x1")
        name = self._writer.temporary()
        return self._writer.elementwise(name, (expression,), tensors, "{0} + {1}" if is_sum else "")

    def constant(self, value: float, shape: Sequence[int]) -> Tensor:
        out = Tensor(self._writer.temporary(), tuple(shape))
        return self._writer.emit(Map(inputs=(), outputs=(out,), expressions=(const(value),)))

    def uniform(self, shape: Sequence[int]) -> Tensor:
        out = Tensor(self._writer.temporary(), tuple(shape), batched=True)
        step = Random(inputs=(), outputs=(out,), node=next(self._streams), formula="uniform(0, 1)")
        return self._writer.emit(step)

    def _out(self, shape: Shape, like: Tensor) -> Tensor:
        return Tensor(self._writer.temporary(), shape, like.batched)

    def _renamed(self, value: Tensor, name: str) -> Tensor:
        """The last step's output under the node's own name, unless the layer gave its input back."""
        steps = self._writer.steps
        if not steps or steps[-1].outputs != (value,) or steps[-1].origin != self._layer.name:
            return value
        named = replace(value, name=name)
        steps[-1] = replace(steps[-1], outputs=(named,))
        return named
