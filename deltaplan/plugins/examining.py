"""What an analysis is given, and what it gives: the laboratory's side of the plugin API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float64]]


class Functions(Protocol):
    """The problem on fixed samples as functions of the flat θ [size], in float64; a stack [k, size] gives
    results with k as their first axis. `deltaplan.problem` has the same."""

    size: int
    samples: int

    def loss(self, theta: "Vector", *, precision: Literal["float64", "float32"] = "float64") -> Any:
        """The loss without regularizers."""

    def objective(self, theta: "Vector", *, precision: Literal["float64", "float32"] = "float64") -> Any:
        """The loss with the regularizers."""

    def grad(self, theta: "Vector") -> "Vector":
        """∂loss/∂θ."""

    def hvp(self, theta: "Vector", v: "Vector") -> "Vector":
        """The Hessian of the loss times v."""

    def per_sample_loss(self, theta: "Vector") -> "Vector":
        """The loss of each sample, [N]."""

    def outputs(self, theta: "Vector", x: Any = None, output: str | None = None) -> "Vector":
        """What the model gives before the loss's link, [N, outputs], for rows in the data's units."""

    def jacobian(self, theta: "Vector", x: Any = None, output: str | None = None) -> "Vector":
        """∂u/∂θ, [N, outputs, size]."""

    def split(self, theta: "Vector") -> "dict[str, Vector]":
        """θ as named blocks, `dense1.W` [out, in] and so on: views."""

    def initial(self, seed: int) -> "Vector":
        """The θ that training with this seed begins with."""


class Way(Protocol):
    """θ along a run: `theta` [k, size] after `steps` [k] steps."""

    steps: "np.ndarray[Any, Any]"
    theta: "np.ndarray[Any, Any]"


class Subject(Protocol):
    """What is examined: a trained run, or a spec at the parameters that training begins with."""

    name: str
    trained: bool
    theta: "Vector"  # [size]
    parts: tuple[str, ...]  # of its data: `train`, `validation`, `test`

    @property
    def problem(self) -> Functions:
        """The problem on the training part."""

    def problem_on(self, part: str) -> Functions:
        """The problem on another part."""

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
