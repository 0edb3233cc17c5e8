"""What an analysis is given, and what it gives: the laboratory's side of the plugin API."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from deltaplan.records import dataclass

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float64]]


class Held(Protocol):
    """A problem as a function of some blocks of θ [size], the others held."""

    def objective_grad(self, theta: "Vector") -> "tuple[float, Vector]":
        """The objective and its gradient, 0 in what is held."""

    def hvp(self, theta: "Vector", v: "Vector", objective: bool) -> "Vector":
        """The Hessian of the objective, or of the loss alone, times v, which is 0 in what is held."""

    def curvatures(self, theta: "Vector") -> "Vector":
        """∂²ℓ/∂u² of each sample's loss by all outputs: [N, outputs, outputs]."""


class Functions(Protocol):
    """The problem on fixed samples as functions of the flat θ [size], in float64; a stack [k, size] gives
    results with k as their first axis. `deltaplan.problem` has the same."""

    size: int
    samples: int
    scale: float  # before the sum over the samples: 1/N for a mean

    @property
    def operations(self) -> int:
        """About how many operations the loss takes."""

    @property
    def targets(self) -> "Mapping[str, Vector]":
        """The targets as the model sees them by outputs: [N, outputs], or class indices [N]."""

    def loss(self, theta: "Vector", *, precision: Literal["float64", "float32"] = "float64") -> Any:
        """The loss without regularizers."""

    def objective(self, theta: "Vector", *, precision: Literal["float64", "float32"] = "float64") -> Any:
        """The loss with the regularizers."""

    def plane(
        self,
        center: "Vector",
        first: "Vector",
        second: "Vector",
        a: "Vector",
        b: "Vector",
        *,
        objective: bool = False,
        precision: Literal["float64", "float32"] = "float64",
    ) -> "Vector":
        """The loss, or the objective, at center + a·first + b·second for each pair of a and b."""

    def grad(self, theta: "Vector") -> "Vector":
        """∂loss/∂θ."""

    def objective_grad(self, theta: "Vector") -> "Vector":
        """∂objective/∂θ."""

    def objective_hvp(self, theta: "Vector", v: "Vector") -> "Vector":
        """The Hessian of the objective times v."""

    def hvp(self, theta: "Vector", v: "Vector") -> "Vector":
        """The Hessian of the loss times v."""

    def per_sample_loss(self, theta: "Vector") -> "Vector":
        """The loss of each sample, [N]."""

    def per_sample_gradient_norms(
        self, theta: "Vector", *, precision: Literal["float64", "float32"] = "float64"
    ) -> "Vector":
        """‖∇ℓ‖ of the loss of each sample, [N]."""

    def outputs(self, theta: "Vector", x: Any = None, output: str | None = None) -> "Vector":
        """What the model gives before the loss's link, [N, outputs], for rows in the data's units."""

    def jacobian(self, theta: "Vector", x: Any = None, output: str | None = None) -> "Vector":
        """∂u/∂θ, [N, outputs, size]."""

    def values(self, theta: "Vector", x: Any = None) -> "dict[str, Vector]":
        """What each node of the model gives, by its name: [N, numbers of the node]."""

    def slopes(self, theta: "Vector") -> "dict[str, Vector]":
        """δ, the slope of each sample's loss by what each node gives: [N, numbers of the node] by names."""

    def curvatures(self, theta: "Vector") -> "Vector":
        """∂²ℓ/∂u² of each sample's loss by all outputs one after the other: [N, outputs, outputs]."""

    def held(self, theta: "Vector", blocks: Collection[str]) -> Held:
        """The problem as a function of the named blocks, the others held at θ: what those do not move is
        computed once."""

    def partial(self, theta: "Vector", target: str, source: str, sample: int = 0) -> "Vector":
        """∂target/∂source [numbers of the target, numbers of the source] for two nodes at one sample, all
        that comes before the source held."""

    def split(self, theta: "Vector") -> "dict[str, Vector]":
        """θ as named blocks, `dense1.W` [out, in] and so on: views."""

    def initial(self, seed: int) -> "Vector":
        """The θ that training with this seed begins with."""


class Way(Protocol):
    """θ along a run: `theta` [k, size] after `steps` [k] steps."""

    @property
    def steps(self) -> "np.ndarray[Any, Any]": ...
    @property
    def theta(self) -> "np.ndarray[Any, Any]": ...


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the model. `kind` is `input`, a join's (`add`, `concat`, …), `pad`, or the name of its layer
    or activation; `text` is what a spec says for it: `0.5 tanh`. `sources` are the names of its arguments and
    `shape` is that of one sample; `line` is the spec's.

    A layer with parameters has a number j and `result`, the node with z_{j+1}: its activation or skip.
    `blocks` are the names of its parameters in θ. `slope` holds the bounds of an activation's derivative. A
    join with `skip` has the branch first and the skip second.
    """

    name: str
    role: Literal["input", "layer", "activation", "join", "pad"]
    kind: str
    text: str
    sources: tuple[str, ...]
    shape: tuple[int, ...]
    line: int
    number: int | None = None
    result: str | None = None
    blocks: tuple[str, ...] = ()
    slope: tuple[float, float] | None = None
    skip: bool = False
    output: bool = False


@dataclass(frozen=True, slots=True)
class LayerSlope:
    """One row of the model: how much steeper it makes the net.

    `norm` is ‖W‖₂ of the layer, the operator norm of the linear map that it is (of another layer, its
    Lipschitz constant), `exact` or a bound; `slope` is the Lipschitz constant of its activation and `average`
    the mean of |σ′| over the samples; `skip` says what is added. `product` bounds the net up to here by the
    layers' own constants, `bound` is the smaller one that takes neighbouring linear maps together.
    """

    line: int
    text: str
    norm: float | None
    exact: bool
    slope: float | None
    average: float | None
    skip: str
    product: float
    bound: float


@dataclass(frozen=True, slots=True)
class Slopes:
    """How steep a net is, from the prepared inputs to the outputs before the loss's link, in the 2-norm.

    |m(x) − m(y)| ≤ `upper`·|x − y|: for all x and y (`everywhere`), else in the box of the samples. `product`
    is that bound by the layers' own constants alone. `lower` is the largest ‖∂m/∂x‖₂ that was found in the
    box, `mean` its mean over samples. `boxes` has proven bounds of each output for inputs in the box, low and
    high.
    """

    layers: tuple[LayerSlope, ...]
    upper: float
    product: float
    lower: float
    mean: float
    everywhere: bool
    boxes: "Mapping[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]"


@dataclass(frozen=True, slots=True)
class Gain:
    """How much a node can enlarge what flows through it: |Δy| ≤ Σ `factors`·|Δx| over its sources, for all x
    (`everywhere`) or in the box of the samples. `at_zero` is |y| at most where all sources are 0, `longest`
    where the model's inputs are in that box."""

    factors: tuple[float, ...]
    everywhere: bool
    at_zero: float
    longest: float


class Knot(Protocol):
    """Where a unit of a node crosses a kink of its activation: t from 0 to 1 along a line."""

    @property
    def t(self) -> float: ...
    @property
    def node(self) -> str: ...
    @property
    def unit(self) -> int: ...


class Pieces(Protocol):
    """A net along a line: `places` [k] from 0 to 1 and `outputs` [k, outputs] there, straight in between;
    `knots` tells who bends at the inner places, `visible` [k − 2] whether the outputs do."""

    @property
    def places(self) -> "Vector": ...
    @property
    def outputs(self) -> "Vector": ...
    @property
    def knots(self) -> Sequence[Knot]: ...
    @property
    def visible(self) -> "np.ndarray[Any, Any]": ...


class Regions(Protocol):
    """Polygons [m, 2] in which a net is affine, and the outputs [regions, outputs] in their middle."""

    @property
    def polygons(self) -> "Sequence[Vector]": ...
    @property
    def areas(self) -> "Vector": ...
    @property
    def values(self) -> "Vector": ...


class Subject(Protocol):
    """What is examined: a trained run, or a spec at the parameters that training begins with."""

    @property
    def name(self) -> str:
        """What it is called: the folder of the run, or the spec."""

    @property
    def trained(self) -> bool:
        """Whether it is a run."""

    @property
    def theta(self) -> "Vector":
        """The parameters [size]."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Those of its data: `train`, `validation`, `test`."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes of the first output; none where it has numbers."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the model, each after its arguments."""

    @property
    def problem(self) -> Functions:
        """The problem on the training part."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """A label for each number that the model takes."""

    @property
    def targets(self) -> tuple[str, ...]:
        """A name for each target column."""

    def problem_on(self, part: str, samples: int | None = None) -> Functions:
        """The problem on another part, or on so many of its samples, spread evenly."""

    @property
    def first(self) -> "Vector":
        """The θ [size] that training begins with."""

    def samples(self, part: str = "train") -> "tuple[Vector, Vector]":
        """The samples of a part in the data's units: x [N, features], y [N, targets]."""

    def outputs(self, x: "Vector") -> "Vector":
        """What the model gives before the loss's link, [N, outputs], for x [N, features]; x and the outputs
        of real targets in the data's units."""

    def pieces(self, begin: "Vector", end: "Vector") -> Pieces:
        """The affine pieces of the outputs along a line in the inputs, [features] in the data's units."""

    def affine(self) -> "tuple[Vector, Vector]":
        """W [outputs, features] and b [outputs] of a net of affine maps alone, in the data's units."""

    def regions(self, low: "Vector", high: "Vector") -> Regions:
        """The affine regions of a net of two inputs inside a box."""

    @property
    def slopes(self) -> Slopes:
        """How steep the net is on the training part."""

    def gains(self, theta: "Vector") -> "Mapping[str, Gain]":
        """How much each node can enlarge what flows through it at θ, by the nodes' names; of those alone that
        an output depends on."""

    @property
    def history(self) -> Sequence[Mapping[str, Any]]:
        """The records of training; empty for a spec."""

    @property
    def recorded(self) -> Way | None:
        """θ along the way, where the spec says `record parameters`."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of what was found: columns by their names, rows of words and numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: `draw(axes)` draws it on matplotlib axes, of three dimensions where it says so."""

    draw: Callable[[Any], None]
    title: str = ""
    projection: Literal["3d"] | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Panels in rows of so many `columns`; `caption` is one sentence on what is seen. `size` is that of a
    panel in inches."""

    panels: tuple[Panel, ...]
    columns: int = 2
    caption: str = ""
    size: tuple[float, float] = (4.8, 3.4)


@dataclass(frozen=True, slots=True)
class Findings:
    """What an analysis found. `says` are sentences, the most telling one first; `arrays` the numbers behind
    them, by name, for a machine."""

    says: tuple[str, ...]
    sheets: tuple[Sheet, ...] = ()
    arrays: "Mapping[str, np.ndarray[Any, Any]]" = field(default_factory=dict)
    picture: Picture | None = None
