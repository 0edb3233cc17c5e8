"""What goes into a model and what comes out of it, as its file in C has it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Literal

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.steps import Pattern
from deltaplan.records import dataclass

Decision = Literal["none", "argmax", "positive"]
Kind = Literal["real", "class", "binary", "sign"]
Cells = tuple[Sequence[int], Sequence[int]]  # the rows and the columns of entries, row by row


@dataclass(frozen=True, slots=True)
class Scale:
    """x ↦ (x − mean) / scale, number i with mean i modulo their count; none at all leaves numbers as they
    are."""

    means: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.means)


@dataclass(frozen=True, slots=True)
class InputPort:
    """An input node: its name, its numbers for one sample in the data's units, each with its label."""

    node: str
    size: int
    labels: tuple[str, ...] = ()
    scale: Scale = Scale()


@dataclass(frozen=True, slots=True)
class OutputPort:
    """An output node. `kind` is that of its targets, `names` label its numbers, `classes` the classes that it
    decides between; `scale` is undone for predictions and done for targets."""

    node: str
    size: int
    kind: Kind = "real"
    decision: Decision = "none"
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    scale: Scale = Scale()

    @property
    def targets(self) -> int:
        """Numbers of a sample's target: one for a class."""
        return 1 if self.kind == "class" else self.size


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample to check the file with: inputs in the data's units, predictions and decisions by output."""

    inputs: Mapping[str, Sequence[float]]
    outputs: Mapping[str, Sequence[float]]
    classes: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A model to be written in C as `file.c`, where all that is not static begins with `name`.

    `values` are the numbers of θ, with what lies behind it; `key` are the two words that random numbers of
    training begin with; `samples` are the samples of training, None where they are not known; `notes` are
    lines for the head of the file; `cells` gives the entries of sparse matrices.
    """

    experiment: Experiment
    file: str
    name: str
    precision: Literal["float32", "float64"]
    values: Sequence[float]
    inputs: tuple[InputPort, ...]
    outputs: tuple[OutputPort, ...]
    checks: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
    key: tuple[int, int] = (0, 0)
    samples: int | None = None
    cells: Callable[[Pattern], Cells] = field(kw_only=True)
