"""The typed nodes of a graph: one for each input, layer, activation, join, loss and penalty.

Each knows the span of the spec that it came from. Shapes are those of one sample.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Literal, Union

from deltaplan.diagnostics import Span
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr
from deltaplan.records import dataclass

Shape = tuple[int, ...]
Setting = Union[contracts.Value, tuple[float, ...], "Use"]  # a Use is a schedule


@dataclass(frozen=True, slots=True)
class Use:
    """A contribution of the registry together with the values that the writer gave it."""

    contract: contracts.Contribution
    values: Mapping[str, Setting]
    span: Span = field(compare=False)

    @property
    def name(self) -> str:
        return self.contract.name

    def __str__(self) -> str:
        given = [p for p in self.contract.parameters if p.name in self.values]
        if not given:
            return self.name
        return f"{self.name}({', '.join(show_value(self.values[p.name]) for p in given)})"


def nested(use: Use) -> Iterator[Use]:
    """The use and the schedules in it."""
    yield use
    for value in use.values.values():
        if isinstance(value, Use):
            yield from nested(value)


def call_text(use: Use) -> str:
    """`adam(lr=0.01, beta1=0.9)`: every value with its name."""
    values = (f"{p.name}={show_value(use.values.get(p.name, p.default))}" for p in use.contract.parameters)
    return f"{use.name}({', '.join(values)})"


def show_value(value: Setting) -> str:
    """A value as a spec would say it."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case contracts.Sides():
            return str(value)
        case tuple():
            return f"[{', '.join(map(show_value, value))}]"
        case Use():
            return call_text(value)
        case _:
            return str(value)


def show_shape(shape: Shape) -> str:
    """A shape as the user sees it: `45`, `28x28x1`, `scalar`."""
    return "x".join(map(str, shape)) or "scalar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every node has: a name of its own in the graph, and the line that it came from."""

    name: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Node):
    """The model's data, one column of X for each sample."""

    shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer(Node):
    """A layer of the registry. `use.values` holds its attributes by name."""

    use: Use
    init: Use | None = None  # None: the default that knows the net
    bias: bool = True
    output: bool = False
    freeze: bool = False  # its parameters are not trained
    share: str | None = None  # the layer whose parameters it uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate(Node):
    """factor · σ(u), elementwise. `expression` has the one argument `u`, parameters and factor put in."""

    use: Use
    factor: float
    expression: Expr = field(compare=False)

    def __str__(self) -> str:
        return str(self.use) if self.factor == 1 else f"{show_value(self.factor)} {self.use}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Node):
    """Several tensors into one. A skip is an `add` with `skip`: the branch comes first, then the skip."""

    kind: Literal["add", "sub", "mul", "concat"]
    skip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapt(Node):
    """A skip made to fit: `pad` fills with zeros up to `width` (`project` is a Layer)."""

    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Node):
    """What an output is compared with: `real`, `class`, `binary` or `sign`; the shape is the output's."""

    kind: Literal["real", "class", "binary", "sign"]
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Node):
    """factor · L(u, y) of one sample, between an output and its target. Only `parameters` are put into the
    expression, whose arguments are `u` and `y`. `weights` has a further factor for each class, where the
    classes are weighed."""

    use: Use
    factor: float
    expression: Expr = field(compare=False)
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty(Node):
    """factor · Ω(w) over each parameter block of the places: `weights`, `biases`, `parameters`, `output` or
    the names of nodes. `expression` has the one argument `w`."""

    use: Use
    factor: float
    places: tuple[str, ...]
    expression: Expr = field(compare=False)


AnyNode = Input | Layer | Activate | Join | Adapt | Target | Loss | Penalty
