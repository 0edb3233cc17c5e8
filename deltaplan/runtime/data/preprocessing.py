"""What is done to columns before a model sees them: fitted on the training part, saved with a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum, sqrt
from typing import Any, Literal, Self

import numpy as np

from deltaplan.diagnostics import Problems
from deltaplan.plugins.contracts import Table
from deltaplan.runtime.data.columns import Floats, Wanted, number_columns

Kind = Literal["real", "class", "binary", "sign"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """x ↦ (x − mean) / scale for each of some columns; mean 0 and scale 1 leave a column as it is."""

    means: tuple[float, ...]
    scales: tuple[float, ...]

    @classmethod
    def none(cls, columns: int) -> Self:
        return cls((0.0,) * columns, (1.0,) * columns)

    @classmethod
    def fitted(cls, values: Floats) -> Self:
        """Mean and population standard deviation of each row of [columns, samples]; 1 for a constant column.

        The sums are exactly rounded (math.fsum), so they do not depend on the order of the samples.
        """
        pairs = [_mean_and_scale(column) for column in values]
        return cls(tuple(mean for mean, _ in pairs), tuple(scale for _, scale in pairs))

    @property
    def is_identity(self) -> bool:
        return not any(self.means) and all(scale == 1 for scale in self.scales)

    def apply(self, values: Floats) -> Floats:
        """[columns, samples] to the same shape, C-contiguous; what overflows is infinite."""
        if self.is_identity:
            return np.ascontiguousarray(values, np.float64)
        with np.errstate(over="ignore"):
            scaled = (values - np.array(self.means)[:, None]) / np.array(self.scales)[:, None]
        return np.ascontiguousarray(scaled)

    def undo(self, values: Floats) -> Floats:
        if self.is_identity:
            return np.ascontiguousarray(values, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            back = values * np.array(self.scales)[:, None] + np.array(self.means)[:, None]
        return np.ascontiguousarray(back)


def _mean_and_scale(column: Floats) -> tuple[float, float]:
    if column.min() == column.max():
        return float(column[0]), 1.0
    # The power of two below the largest: division is exact, no square overflows, and it is a float for any.
    unit = 2.0 ** (int(np.frexp(np.abs(column).max())[1]) - 1)
    small = column / unit
    mean = fsum(small) / len(small)
    return mean * unit, sqrt(fsum((small - mean) ** 2) / len(small)) * unit


@dataclass(frozen=True, slots=True)
class InputColumns:
    """The columns of one input; the scaling has an entry for each feature (a column may give several)."""

    names: tuple[str, ...]
    scaling: Scaling


@dataclass(frozen=True, slots=True)
class TargetColumns:
    """The columns that one output is compared with. `classes` are the names of labels, in the order of the
    model's outputs; two of them for `binary` and `sign` that were read from labels, none for numbers."""

    kind: Kind
    names: tuple[str, ...]
    scaling: Scaling
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """For each input and each output of the model its columns and their scaling."""

    inputs: Mapping[str, InputColumns]
    targets: Mapping[str, TargetColumns] = field(default_factory=dict)

    def apply_inputs(self, table: Table) -> dict[str, Floats]:
        """The model's inputs [features, samples] from a table, whose other columns are left alone.

        SpecError for a column that is not there and for every cell that is no number.
        """
        problems = Problems()
        columns = {
            name: number_columns(table, [Wanted(column) for column in spec.names], problems)
            for name, spec in self.inputs.items()
        }
        problems.raise_errors()
        return {name: self.inputs[name].scaling.apply(values) for name, values in columns.items()}

    def targets_back(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Model outputs [features, samples] of real targets in the data's units; others as they are."""
        return {
            name: self.targets[name].scaling.undo(array)
            if name in self.targets and self.targets[name].kind == "real"
            else array
            for name, array in values.items()
        }

    def to_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "inputs": {name: _scaled(c.names, c.scaling) for name, c in self.inputs.items()},
            "targets": {
                name: {"kind": c.kind, "classes": list(c.classes), **_scaled(c.names, c.scaling)}
                for name, c in self.targets.items()
            },
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_data`; KeyError, TypeError or ValueError where the data are none of ours."""
        inputs = {name: InputColumns(*_columns(c)) for name, c in data["inputs"].items()}
        targets = {
            name: TargetColumns(_kind(c["kind"]), *_columns(c), classes=tuple(map(str, c["classes"])))
            for name, c in data["targets"].items()
        }
        return cls(inputs, targets)


def _scaled(names: tuple[str, ...], scaling: Scaling) -> dict[str, Any]:
    return {"columns": list(names), "means": list(scaling.means), "scales": list(scaling.scales)}


def _columns(data: Mapping[str, Any]) -> tuple[tuple[str, ...], Scaling]:
    names = tuple(map(str, data["columns"]))
    scaling = Scaling(tuple(map(float, data["means"])), tuple(map(float, data["scales"])))
    if len(scaling.means) != len(scaling.scales) or 0.0 in scaling.scales:
        raise ValueError("means and scales do not fit together")
    return names, scaling


def _kind(word: Any) -> Kind:
    match word:
        case "real" | "class" | "binary" | "sign":
            kind: Kind = word
            return kind
    raise ValueError(f"no kind of target is called {word!r}")
