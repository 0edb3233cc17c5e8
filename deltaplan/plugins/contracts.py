"""What a plugin contributes, as plain data, and the protocols that the host implements for it.

Three kinds of contract: expressions (activation, loss, regularizer, optimizer, schedule), functions over
a builder (layer, initializer), and host objects (data source, analysis). Nothing here knows compiler or
runtime.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from deltaplan.plugins.expressions import Expr
from deltaplan.records import dataclass

if TYPE_CHECKING:
    import numpy as np

    from deltaplan.plugins.examining import Findings
    from deltaplan.plugins.solving import Iterate


class Sides(tuple[int, ...]):
    """The sides of a window or a shape, one number for each axis: `3x5` is (3, 5), `3` is (3,)."""

    __slots__ = ()

    def __str__(self) -> str:
        return "x".join(map(str, self))


Value = bool | int | float | str | Sides | None
Kind = Literal[
    "activation",
    "loss",
    "regularizer",
    "optimizer",
    "schedule",
    "layer",
    "initializer",
    "metric",
    "data source",
    "augmentation",
    "analysis",
]


Target = Literal["real", "class", "binary", "sign"]
Link = Literal["identity", "sigmoid", "softmax"]
Decision = Literal["none", "argmax", "positive"]
Origin = Literal["built-in", "spec", "file", "folder", "installed"]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who contributes: `deltaplan` for built-ins, a spec that defines it, else the plugin's name with its
    file, version and line. `sha256` is that of the file's bytes when it was run."""

    plugin: str
    location: str = ""
    version: str = ""
    line: int = 0  # where the contribution begins in its file; 0 where there is no file
    sha256: str = ""
    origin: Origin = "built-in"
    distribution: str = ""  # the name under which it is installed

    @property
    def foreign(self) -> bool:
        """Whether it comes from a plugin: neither with deltaplan nor with the spec."""
        return self.origin not in ("built-in", "spec")

    def __str__(self) -> str:
        if self.origin == "spec":
            return self.location
        name = f"{self.plugin} {self.version}" if self.version else self.plugin
        return f"{name} ({self.location})" if self.location else name


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that the writer may set: `leaky_relu(0.01)`, `adam(lr=1e-2)`. No default: it must be given.

    The bounds are what the writer is told when a value is outside: `minimum <= value`, `above < value`,
    `value <= maximum`, `value < below`. `type` is `number`, `whole`, `boolean`, in a schedule also `numbers`,
    a list, which must be given, or `length`, a time whose default is the length of the run.
    """

    name: str
    default: float | int | bool | None = None
    type: Literal["number", "whole", "boolean", "numbers", "length"] = "number"
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None

    @property
    def required(self) -> bool:
        """Whether the writer must give it."""
        return self.default is None and self.type != "length"

    def allows(self, value: float) -> bool:
        """Whether a number is finite, whole or true/false where it must be, and within the bounds."""
        if isinstance(value, bool) != (self.type == "boolean") or not isfinite(value):
            return False
        if self.type == "whole" and value != int(value):
            return False
        return all(holds for _, holds in bounds_of(self, value))

    @property
    def condition(self) -> str:
        """What a value must be, in words: `a whole number, at least 1`."""
        return ", ".join([WORDS[self.type], *(text for text, _ in bounds_of(self, 0.0))])


WORDS = {
    "number": "a number",
    "whole": "a whole number",
    "size": "a whole number",
    "boolean": "true or false",
    "word": "a word",
    "text": "a text",
    "sides": "sides, as 3x5",
    "numbers": "a list of numbers",
    "length": "a time, by default the length of the run",
}


def bounds_of(bounded: "Parameter | Attribute", value: float) -> list[tuple[str, bool]]:
    """Each bound in words, and whether the value keeps it."""
    tests: list[tuple[str, float | None, Callable[[float, float], bool]]] = [
        ("at least", bounded.minimum, operator.ge),
        ("above", bounded.above, operator.gt),
        ("at most", bounded.maximum, operator.le),
        ("below", bounded.below, operator.lt),
    ]
    return [(f"{word} {bound:g}", test(value, bound)) for word, bound, test in tests if bound is not None]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What all kinds share. `owner` is set by the loader; until then it is the module and the line."""

    kind: ClassVar[Kind]

    name: str
    parameters: tuple[Parameter, ...]
    doc: str
    owner: Owner = field(default=Owner("deltaplan"), compare=False)


@dataclass(frozen=True, slots=True)
class Activation(Contribution):
    """σ(u), elementwise. `expression` holds the arguments `u` and the parameters by name."""

    kind: ClassVar[Kind] = "activation"
    expression: Expr = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Loss(Contribution):
    """L(u, y) of one sample: u the model's output, y the target, both vectors; `expression` ends scalar.

    `target`: `real` (the shape of u), `class` (an index below the length of u), `binary` (0 to 1), `sign`
    (±1). `link` turns u into what `predict` gives; `decision` turns u into a class where there is one.
    """

    kind: ClassVar[Kind] = "loss"
    expression: Expr = field(kw_only=True)
    target: Target = "real"
    link: Link = "identity"
    decision: Decision = "none"
    convex: bool = True


@dataclass(frozen=True, slots=True)
class Regularizer(Contribution):
    """Ω(w) of one parameter block as a vector; `expression` holds `w` and ends scalar."""

    kind: ClassVar[Kind] = "regularizer"
    expression: Expr = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Optimizer(Contribution):
    """w ← w′ and state ← state′, elementwise over the arguments `w`, `g`, `t` (1 in the first step),
    `is_weight` (1 for weights, 0 for biases) and the state's names. States begin at zero.

    A state that no new `w` depends on, once the parameters have their values, is dropped by the compiler: sgd
    without momentum keeps none.
    """

    kind: ClassVar[Kind] = "optimizer"
    state: tuple[str, ...] = field(kw_only=True)
    update: Mapping[str, Expr] = field(kw_only=True, hash=False)  # new `w` and new states, by name


@dataclass(frozen=True, slots=True)
class Solver(Contribution):
    """An optimizer that is not a formula: `minimize(objective, x, **parameters)` gives each point that it
    reaches, from x on, and ends where there is no better one. It sees all samples at once.

    `exact`: it takes problems alone that are convex and twice differentiable in what is trained, and ends at
    their minimum, so that a run has no length. `numbers(n, **parameters)` is how many it keeps for n
    parameters, in float64.
    """

    kind: ClassVar[Kind] = "optimizer"
    minimize: "Callable[..., Iterator[Iterate]]" = field(kw_only=True)
    exact: bool = False
    numbers: Callable[..., int] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Schedule(Contribution):
    """A setting of an optimizer over time: `expression` holds `t` and the parameters, and ends scalar.

    t counts the whole epochs (in a run of so many steps: the steps) before the step at hand, 0 in the first.
    A parameter of the type `numbers` is a vector there, which a reduction makes one number.
    """

    kind: ClassVar[Kind] = "schedule"
    expression: Expr = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value that the writer gives a layer: a size (`dense 45`), a number, a boolean, one of some words, or
    `sides` (`3x5`), which the function gets as a tuple, or as the word where it is one of its choices.

    A `positional` one stands without its name; a list there makes one layer for each value, but not of sides.
    """

    name: str
    type: Literal["size", "number", "whole", "boolean", "word", "text", "sides"]
    default: Value = None
    required: bool = False
    positional: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    below: float | None = None
    doc: str = ""
    above: float | None = None
    maximum: float | None = None

    def allows(self, value: Value) -> bool:
        """Whether a value is of the type and within the bounds, or one of the choices."""
        match self.type, value:
            case _ if self.choices:
                return value in self.choices
            case "boolean", bool():
                return True
            case "word" | "text", str():
                return True
            case "number" | "whole" | "size", int() | float() if not isinstance(value, bool):
                if not isfinite(value) or (self.type != "number" and value != int(value)):
                    return False
                return all(holds for _, holds in bounds_of(self, value))
        return False

    @property
    def condition(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return " or ".join(self.choices)
        return ", ".join([WORDS[self.type], *(text for text, _ in bounds_of(self, 0.0))])


@dataclass(frozen=True, slots=True)
class Layer(Contribution):
    """A function from one tensor to one over the builder's primitives; attributes come by name."""

    kind: ClassVar[Kind] = "layer"
    attributes: tuple[Attribute, ...] = field(kw_only=True)
    forward: Callable[..., Any] = field(kw_only=True)  # forward(builder, x, **attributes) -> Tensor
    trained: bool = True  # has parameters: takes an activation and `freeze`
    affine: bool = True  # its parameters are weights: takes init=, residual and the default activation
    biased: bool = True  # takes bias=


@dataclass(frozen=True, slots=True)
class InTraining:
    """A forward function that gives its input back outside of training."""

    function: Callable[..., Any]

    def __call__(self, builder: Any, x: Any, **values: Value) -> Any:
        return self.function(builder, x, **values) if builder.training else x


@dataclass(frozen=True, slots=True)
class Augmentation(Contribution):
    """What training sees in place of an input, sample by sample and anew in each step: a function from one
    tensor to another of its shape over the builder's primitives; parameters come by name."""

    kind: ClassVar[Kind] = "augmentation"
    forward: Callable[..., Any] = field(kw_only=True)  # forward(builder, x, **parameters) -> Tensor

    @property
    def layer(self) -> Layer:
        """What it is in a graph: a layer without parameters of its own."""
        attributes = tuple(_attribute(p) for p in self.parameters)
        forward = InTraining(self.forward)
        words = self.name, (), self.doc, self.owner
        return Layer(
            *words, attributes=attributes, forward=forward, trained=False, affine=False, biased=False
        )


def _attribute(p: Parameter) -> Attribute:
    type_: Literal["whole", "boolean", "number"] = (
        "whole" if p.type == "whole" else "boolean" if p.type == "boolean" else "number"
    )
    found = Attribute(p.name, type_, p.default, p.required, positional=True)
    return replace(found, minimum=p.minimum, above=p.above, maximum=p.maximum, below=p.below)


@dataclass(frozen=True, slots=True)
class Initializer(Contribution):
    """The spread of a parameter's first values: draws from normal or uniform, or a constant.

    `spread(fan_in, fan_out, gain, **parameters)` gives the standard deviation of a normal draw, half the
    width of a symmetric uniform one (`low`, `high` where it is not symmetric), the constant, or the factor of
    an orthogonal matrix. `gain` is 1/√E[σ(u)²] of the activation that follows. ValueError, with a message for
    the writer, where the parameters do not fit.
    """

    kind: ClassVar[Kind] = "initializer"
    draw: Literal["normal", "uniform", "constant", "orthogonal"] = field(kw_only=True)
    spread: Callable[..., float | tuple[float, float]] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Metric(Contribution):
    """How good predictions are, for one output. `of` says what it compares:

    values   real numbers [outputs, N], in the data's own units
    classes  the decided class and the true one, whole numbers [1, N]; of several answers of yes or no
             [outputs, N]
    members  for each class whether it was decided and whether it is true, 1 or 0: [classes, N]; of answers of
             yes or no [outputs, N]
    scores   what `predict` gives, and whether it is true: [classes, N] or [outputs, N]

    Said as mathematics, `sums` are elementwise expressions of `u`, the prediction, `y`, the target, and `m`,
    the mean of the targets over all samples; they are added up over the samples, a sum for each of the
    outputs. `result` is a scalar expression of the sums, by name, of `m`, and of `n`, the number of samples.

    Else `function(predicted, target)` on arrays gives the number, or, with `gives="table"`, an array that is
    shown and not followed. `better` is the direction that early stopping and `keep best` seek.
    """

    kind: ClassVar[Kind] = "metric"
    of: Literal["values", "classes", "members", "scores"] = field(kw_only=True)
    better: Literal["higher", "lower"] = field(kw_only=True)
    gives: Literal["number", "table"] = field(default="number", kw_only=True)
    sums: Mapping[str, Expr] = field(default_factory=dict, kw_only=True, hash=False)
    result: Expr | None = field(default=None, kw_only=True)
    function: "Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any]], Any] | None" = field(
        default=None, kw_only=True
    )


@dataclass(frozen=True, slots=True)
class Table:
    """What a data source gives: named columns of equal length, numbers (float64) or words, and where a row of
    the source stands for error messages. `shapes` has that of one row of a column, where its numbers lie in
    height, width and channels: a bare `input` takes it. `unread` has the columns that hold nothing of use and
    what they hold: what needs one of them is refused with that."""

    columns: "Mapping[str, np.ndarray[Any, Any]]"
    rows: int
    row_name: Callable[[int], str]  # row 0-based -> "wave.csv:17"
    warnings: tuple[str, ...] = ()  # what was read on a guess
    shapes: "Mapping[str, tuple[int, ...]]" = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)  # "holds neither numbers nor words (binary)"


@dataclass(frozen=True, slots=True)
class DataSource(Contribution):
    """`read(path, **options) -> Table`; raises `Unreadable` with a message for the user.

    `named`: the path is only a name (of a bundled set, say), and no file stands there. `scalars`: every
    column has one number or word a row, so that columns are counted before they are read.
    """

    kind: ClassVar[Kind] = "data source"
    attributes: tuple[Attribute, ...] = field(kw_only=True)
    read: Callable[..., Table] = field(kw_only=True)
    named: bool = False
    scalars: bool = False


@dataclass(frozen=True, slots=True)
class Analysis(Contribution):
    """An instrument of the laboratory: `examine(subject, **options) -> Findings`. With `several` it is given
    a tuple of subjects. `trained`: it looks at runs alone, not at specs. Raises `Unfit`, with a message for
    the user, where the subject is none that it can look at."""

    kind: ClassVar[Kind] = "analysis"
    attributes: tuple[Attribute, ...] = field(kw_only=True)
    examine: "Callable[..., Findings]" = field(kw_only=True)
    several: bool = False
    trained: bool = False


class Unfit(Exception):  # noqa: N818
    """A subject or an option that an analysis cannot use: a message, and the mend."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


class Unreadable(Exception):  # noqa: N818
    """Data that cannot be read: a message, the place in the file where one is known, the mend, and notes on
    further places of the same mistake."""

    def __init__(self, message: str, place: str = "", help: str = "", notes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message, self.place, self.help, self.notes = message, place, help, tuple(notes)
