"""A spec with everything looked up: the graph of model and problem, and what data and solver are to do."""

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.measured import Measured
from deltaplan.compiler.nodes import Use
from deltaplan.compiler.sweeps import Sweep
from deltaplan.diagnostics import Diagnostic, Source, Span
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr, arguments
from deltaplan.records import dataclass

if TYPE_CHECKING:
    from deltaplan.compiler.claims import Assertion

PartName = Literal["train", "validation", "test"]
Strategy = Literal["mean", "median", "mode", "drop"]


@dataclass(frozen=True, slots=True)
class Column:
    """What one item of `inputs` or `targets` says: a column of the data, or an expression of columns.

    The arguments of the expression are the columns in `reads`, by their names. `labels` says that numbers in
    the column are names too: `category(zip)`.
    """

    name: str  # as it is shown: `t`, `log(price)`
    span: Span = field(compare=False)
    expression: Expr | None = None
    labels: bool = False
    source: str = ""  # the column of the data, where the item has another name: `category(zip)`

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the data that it is made of."""
        return arguments(self.expression) if self.expression is not None else (self.source or self.name,)


@dataclass(frozen=True, slots=True)
class Split:
    """Fractions of the rows; what they leave is training where `train` is not stated.

    `by` is a column whose rows of one value stay together. `in_time` cuts the rows in the order of the source
    instead of at random. With `folds`, fold number `fold` (from 1) is the validation part.
    """

    train: float
    validation: float
    test: float
    seed: int
    span: Span | None = field(default=None, compare=False)
    by: Column | None = None
    in_time: bool = False
    folds: int = 0
    fold: int = 1


@dataclass(frozen=True, slots=True)
class Missing:
    """What is done where a column has no value: for all columns, and for those with a word of their own.
    None is a mistake."""

    default: Strategy | None = None
    columns: Mapping[str, tuple[Strategy, Span]] = field(default_factory=dict)

    def of(self, column: str) -> Strategy | None:
        found = self.columns.get(column)
        return found[0] if found else self.default


@dataclass(frozen=True, slots=True)
class DataFile:
    """A source of the data, and the part that its rows are; None where `split` says that."""

    use: Use  # contract: a DataSource; values hold `path` and the options
    part: PartName | None = None

    @property
    def path(self) -> str:
        return str(self.use.values["path"])


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Where the samples come from and what is done to them before the first step.

    `inputs` maps each input node to its columns, `targets` each output node to its columns; `mirrors` has the
    outputs that are compared with an input, by its name. `standardize` names what is brought to mean 0 and
    standard deviation 1 by the training part (`inputs`, `targets`), `multiply` has the factors of these.
    A sample is made of the `window` rows that end at a row, and its target stands `ahead` of it. `augment`
    has what is done to each input in training, one after the other; the contracts are Augmentations.
    """

    files: tuple[DataFile, ...]
    inputs: Mapping[str, tuple[Column, ...]]
    targets: Mapping[str, tuple[Column, ...]]
    split: Split
    standardize: tuple[str, ...]
    span: Span = field(compare=False)
    rest: str | None = None
    multiply: Mapping[str, float] = field(default_factory=dict)
    missing: Missing = Missing()
    mirrors: Mapping[str, str] = field(default_factory=dict)
    window: int = 1
    ahead: int = 0
    augment: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)

    @property
    def source(self) -> Use:
        """The first source: what other files are read as."""
        return self.files[0].use

    @property
    def path(self) -> str:
        return self.files[0].path

    @property
    def validates(self) -> bool:
        """Whether there is a validation part, by `split` or in a file of its own."""
        return self.split.validation > 0 or any(file.part == "validation" for file in self.files)


@dataclass(frozen=True, slots=True)
class Monitored:
    """A metric, or a loss as one, that is followed on an output during training. `label` is its name in the
    history: `accuracy`, or `price.rmse` where there are several outputs."""

    label: str
    use: Use
    output: str

    @property
    def better(self) -> Literal["higher", "lower"]:
        contract = self.use.contract
        return contract.better if isinstance(contract, contracts.Metric) else "lower"


@dataclass(frozen=True, slots=True)
class StopEarly:
    """Training ends when `on`, the validation loss or a monitored metric, has not become better than its best
    by more than `min_change` for `patience` epochs."""

    patience: int
    on: str
    min_change: float
    span: Span = field(compare=False)


EVERYWHERE = ("parameters",)


@dataclass(frozen=True, slots=True)
class Rate:
    """A factor on the optimizer's `lr` at some places."""

    factor: float
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WarmStart:
    """The run folder whose parameters training begins with at some places; others are drawn."""

    path: str
    places: tuple[str, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """How the problem is solved. `batch` is None for full batches. `keep` says which parameters a run ends
    with: the last, or those with the best value of what `stop_early` looks at (else the validation loss).
    `clip` is the largest norm that the gradient keeps. `only` are the places that are trained, `rates` those
    where the optimizer's `lr` is another; factors of places that overlap are multiplied. `record` says after
    how many epochs (or steps) each θ is kept along the way.
    `origin` tells for each setting whether the writer gave it (`spec`) or the language did (`default`)."""

    average: Literal["mean", "sum"]
    optimizer: Use
    unit: Literal["epochs", "steps"]
    length: int
    batch: int | None
    seed: int
    precision: Literal["float32", "float64"]
    span: Span = field(compare=False)
    monitor: tuple[Monitored, ...] = ()
    stop_early: StopEarly | None = None
    keep: Literal["best", "last"] = "last"
    clip: float | None = None
    only: tuple[str, ...] = EVERYWHERE
    rates: tuple[Rate, ...] = ()
    warm_start: WarmStart | None = None
    record: int | None = None
    origin: Mapping[str, Literal["spec", "default"]] = field(default_factory=dict, compare=False)

    @property
    def solver(self) -> contracts.Solver | None:
        """The optimizer, where it is no formula."""
        contract = self.optimizer.contract
        return contract if isinstance(contract, contracts.Solver) else None

    @property
    def exact(self) -> bool:
        """Whether the run ends by itself: `length` is then a bound that no spec states."""
        return self.solver is not None and self.solver.exact


@dataclass(frozen=True, slots=True)
class Experiment:
    """What a spec states. `data`, `train` and `sweep` are None where the file has no such block; `measured`
    is what it left to its data, `claims` what it holds to be true of trained weights. `params` has `seed` too
    where it was given and is no param."""

    source: Source = field(compare=False)
    name: str
    params: Mapping[str, contracts.Value]
    graph: Graph
    data: DataSpec | None
    train: TrainSpec | None
    skips: tuple[
        tuple[Span, int, int], ...
    ] = ()  # for each line with `residual`: how many of its layers have one
    warnings: tuple[Diagnostic, ...] = ()
    imports: Mapping[str, Source] = field(
        default_factory=dict, compare=False
    )  # by their paths in the project
    measured: Measured = field(default_factory=Measured)
    sweep: Sweep | None = None
    claims: "tuple[Assertion, ...]" = ()

    def __str__(self) -> str:
        """The summary that `deltaplan show` prints."""
        from deltaplan.compiler.printers.summary import summary_of

        return summary_of(self)

    def __repr__(self) -> str:
        return f"<experiment `{self.name}` of {self.source.name}>"

    def _repr_html_(self) -> str:
        from deltaplan.compiler.printers.page import preformatted

        return preformatted(str(self))
