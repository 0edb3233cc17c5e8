"""What is done to columns before a model sees them: fitted on the training part, saved with a run."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Literal, Self

from deltaplan.diagnostics import Problems
from deltaplan.plugins.contracts import Table
from deltaplan.records import dataclass
from deltaplan.runtime.data.cells import Floats
from deltaplan.runtime.data.features import Feature, matrix, read_cells
from deltaplan.runtime.data.gaps import Fills, tell_gaps
from deltaplan.runtime.data.problems import WindowTooLong, rows_in_words
from deltaplan.runtime.data.samples import Samples
from deltaplan.runtime.data.scaling import Scaling

Kind = Literal["real", "class", "binary", "sign"]
TRAINED_WITHOUT = "the model was trained without a gap there: fill it, or leave the row out"


@dataclass(frozen=True, slots=True)
class InputColumns:
    """The columns of one input. `size` is how many numbers it takes: those of all features, in each row of a
    window."""

    features: tuple[Feature, ...]
    scaling: Scaling
    window: int = 1

    @property
    def size(self) -> int:
        return self.window * sum(feature.width for feature in self.features)

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the data that it is made of."""
        return tuple(dict.fromkeys(name for feature in self.features for name in feature.reads))

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each number: `t`, `port=Cherbourg`, `count[-1]` for the row before the last."""
        names = [label for feature in self.features for label in feature.labels]
        if self.window == 1:
            return tuple(names)
        return tuple(f"{name}[{lag}]" for lag in range(1 - self.window, 1) for name in names)


@dataclass(frozen=True, slots=True)
class TargetColumns:
    """The columns that one output is compared with. `classes` are the names of labels, in the order of the
    model's outputs; two of them for `binary` and `sign` that were read from labels, none for numbers.
    `mirrors` is the input that it has the numbers of."""

    kind: Kind
    features: tuple[Feature, ...]
    scaling: Scaling
    classes: tuple[str, ...] = ()
    mirrors: str | None = None
    window: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """What the spec calls them; for an output that mirrors an input a name for each number."""
        if self.mirrors:
            return InputColumns(self.features, self.scaling, self.window).labels
        return tuple(feature.name for feature in self.features)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for feature in self.features for name in feature.reads))


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """For each input and each output of the model its columns and their scaling, what fills gaps, and how far
    ahead the targets stand."""

    inputs: Mapping[str, InputColumns]
    targets: Mapping[str, TargetColumns] = field(default_factory=dict)
    fills: Fills = field(default_factory=Fills)
    ahead: int = 0

    @property
    def window(self) -> int:
        return max((columns.window for columns in self.inputs.values()), default=1)

    def apply_inputs(self, table: Table) -> dict[str, Floats]:
        """The model's inputs [numbers, samples] from a table, whose other columns are left alone.

        SpecError for a column that is not there, for every cell that is no number or no known category, and
        for a gap that nothing fills.
        """
        problems = Problems()
        features = [f for columns in self.inputs.values() for f in columns.features]
        cells = self.fills.closed(read_cells(table, features, {}, problems))
        tell_gaps(table, cells, _sources(self.inputs), {}, problems, TRAINED_WITHOUT)
        raw = {name: matrix(c.features, cells, table, {}, problems) for name, c in self.inputs.items()}
        if table.rows < self.window and not problems.errors:
            problems.add(WindowTooLong(window=self.window, ahead="", rows=rows_in_words(table.rows)))
        problems.raise_errors()
        samples = Samples.of([table.rows], self.window)
        return {name: self.inputs[name].scaling.apply(samples.windows(v)) for name, v in raw.items()}

    def targets_back(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Model outputs [features, samples] of real targets in the data's units; others as they are."""
        return {
            name: self.targets[name].scaling.undo(array.reshape(-1, array.shape[-1])).reshape(array.shape)
            if name in self.targets and self.targets[name].kind == "real"
            else array
            for name, array in values.items()
        }

    def to_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "inputs": {
                name: {**_columns(c.features), "window": c.window, **c.scaling.to_data()}
                for name, c in self.inputs.items()
            },
            "targets": {
                name: {
                    "kind": c.kind,
                    "classes": list(c.classes),
                    "mirrors": c.mirrors,
                    "window": c.window,
                    **_columns(c.features),
                    **c.scaling.to_data(),
                }
                for name, c in self.targets.items()
            },
            "fills": self.fills.to_data(),
            "ahead": self.ahead,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_data`; KeyError, TypeError or ValueError where the data are none of ours."""
        inputs = {
            name: InputColumns(_features(c), Scaling.from_data(c), int(c["window"]))
            for name, c in data["inputs"].items()
        }
        targets = {
            name: TargetColumns(
                _kind(c["kind"]),
                _features(c),
                Scaling.from_data(c),
                tuple(map(str, c["classes"])),
                c["mirrors"],
                int(c["window"]),
            )
            for name, c in data["targets"].items()
        }
        return cls(inputs, targets, Fills.from_data(data["fills"]), int(data["ahead"]))


def _sources(inputs: Mapping[str, InputColumns]) -> Iterator[str]:
    yield from dict.fromkeys(name for columns in inputs.values() for name in columns.sources)


def _columns(features: tuple[Feature, ...]) -> dict[str, Any]:
    return {"columns": [feature.to_data() for feature in features]}


def _features(data: Mapping[str, Any]) -> tuple[Feature, ...]:
    return tuple(Feature.from_data(feature) for feature in data["columns"])


def _kind(word: Any) -> Kind:
    match word:
        case "real" | "class" | "binary" | "sign":
            kind: Kind = word
            return kind
    raise ValueError(f"no kind of target is called {word!r}")
