"""The builder of primitives that a layer's forward function writes its plan with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from deltaplan.compiler.nodes import Layer, Shape
from deltaplan.compiler.parameters import Parameter
from deltaplan.compiler.steps import MatMul, Random, Tensor
from deltaplan.compiler.writing import StepWriter
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr, argument


class LayerBuilder:
    """The Builder of `plugins.contracts` for one layer. `stream` tells its random numbers from others."""

    def __init__(
        self,
        writer: StepWriter,
        layer: Layer,
        parameters: Mapping[str, Parameter],
        stream: int,
        training: bool,
    ) -> None:
        self._writer, self._layer, self._parameters = writer, layer, parameters
        self._stream = stream
        self.training = training

    def write(self, source: Tensor, name: str) -> Tensor:
        """Writes the layer's steps; the last one's output is called `name`."""
        contract = self._layer.use.contract
        assert isinstance(contract, contracts.Layer)
        forward: Callable[..., Any] = contract.forward
        value: Tensor = forward(self, source, **self._layer.use.values)
        return self._renamed(value, name)

    def weight(self, name: str, shape: Shape, fan_in: int, fan_out: int) -> Tensor:
        return self._parameters[f"{self._layer.name}.{name}"].tensor

    def bias(self, name: str, shape: Shape, fan_in: int) -> Tensor | None:
        if not self._layer.bias:
            return None
        return self._parameters[f"{self._layer.name}.{name}"].tensor

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        out = Tensor(self._writer.temporary(), (a.shape[0],), b.batched)
        return self._writer.emit(MatMul(inputs=(a, b), outputs=(out,), formula="{0} {1}"))

    def map(self, function: Callable[..., Expr], *tensors: Tensor) -> Tensor:
        expression = function(*(argument(f"x{i}") for i in range(len(tensors))))
        is_sum = len(tensors) == 2 and expression is argument("x0") + argument("x1")
        name = self._writer.temporary()
        return self._writer.elementwise(name, (expression,), tensors, "{0} + {1}" if is_sum else "")

    def uniform(self, shape: Shape) -> Tensor:
        out = Tensor(self._writer.temporary(), tuple(shape), batched=True)
        step = Random(inputs=(), outputs=(out,), node=self._stream, formula="uniform(0, 1)")
        return self._writer.emit(step)

    def _renamed(self, value: Tensor, name: str) -> Tensor:
        """The last step's output under the node's own name, unless the layer gave its input back."""
        steps = self._writer.steps
        if not steps or steps[-1].outputs != (value,) or steps[-1].origin != self._layer.name:
            return value
        named = replace(value, name=name)
        steps[-1] = replace(steps[-1], outputs=(named,))
        return named
