"""The columns of a data block read as numbers, before anything is fitted or cut into parts."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import DataSpec
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Target
from deltaplan.diagnostics import Problems, Span
from deltaplan.plugins.contracts import Table
from deltaplan.records import dataclass
from deltaplan.runtime.data.cells import Cells, Floats
from deltaplan.runtime.data.columns import sources_of, spans_of
from deltaplan.runtime.data.features import Feature, feature_of, matrix, read_cells
from deltaplan.runtime.data.gaps import OFFER, tell_gaps
from deltaplan.runtime.data.mapped import holes, mapped_column
from deltaplan.runtime.data.preprocessing import Kind, Preprocessing
from deltaplan.runtime.data.problems import NotFinite, places, rows_in_words
from deltaplan.runtime.data.samples import Samples
from deltaplan.runtime.data.targets import encode, target_features

Features = Mapping[str, tuple[Feature, ...]]


@dataclass(frozen=True, slots=True)
class Raw:
    """What a data block and a table give: how columns become numbers, and the cells that they are made of.

    `targets` lacks the outputs that mirror an input.
    """

    data: DataSpec
    table: Table
    kinds: Mapping[str, Kind]
    inputs: Features
    targets: Features
    cells: Cells
    spans: Mapping[str, Span]
    mapped: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # by input, [rows, numbers]

    def classes(self, output: str) -> tuple[str, ...]:
        """The labels of an output; none for numbers."""
        features = self.targets.get(output, ())
        return (features[0].categories or ()) if features else ()

    def input_numbers(self, problems: Problems) -> dict[str, Floats]:
        """[numbers, rows] for each input that is in memory."""
        return {
            name: matrix(features, self.cells, self.table, self.spans, problems)
            for name, features in self.inputs.items()
            if name not in self.mapped
        }

    def target_numbers(self, problems: Problems) -> dict[str, NDArray[Any]]:
        """[outputs, rows], or class indices [rows], for each output."""
        return {
            name: encode(self.table, self.kinds[name], features, self.cells, self.spans, problems)
            for name, features in self.targets.items()
        }


def kinds_of(graph: Graph, data: DataSpec) -> dict[str, Kind]:
    """What the loss of each output takes; numbers where it has none."""
    known: dict[str, Kind] = {target.output: target.kind for target in graph.of(Target)}
    return {output: known.get(output, "real") for output in data.targets}


def read_raw(kinds: Mapping[str, Kind], data: DataSpec, table: Table, problems: Problems) -> Raw:
    """For training: categories and classes are those of the data."""
    inputs = {
        name: tuple(feature_of(column, table, problems) for column in columns)
        for name, columns in data.inputs.items()
    }
    targets: dict[str, tuple[Feature, ...]] = {}
    for output, columns in data.targets.items():
        if output in data.mirrors:
            continue
        found = target_features(table, kinds[output], columns, problems)
        if found is not None:
            targets[output] = found
    return _raw(kinds, data, table, inputs, targets, problems, _mapped(inputs, data, table))


def _mapped(inputs: Features, data: DataSpec, table: Table) -> dict[str, NDArray[Any]]:
    """The inputs that stay in their file."""
    found = {name: mapped_column(features, table) for name, features in inputs.items()}
    return {name: column for name, column in found.items() if column is not None and data.window == 1}


def read_again(
    kinds: Mapping[str, Kind], data: DataSpec, table: Table, known: Preprocessing, problems: Problems
) -> Raw:
    """Other data for a trained model: categories, classes and what fills gaps are those of the training."""
    inputs = {name: columns.features for name, columns in known.inputs.items()}
    targets = {name: c.features for name, c in known.targets.items() if not c.mirrors}
    raw = _raw(kinds, data, table, inputs, targets, problems, _mapped(inputs, data, table))
    return replace(raw, cells=known.fills.closed(raw.cells))


def _raw(
    kinds: Mapping[str, Kind],
    data: DataSpec,
    table: Table,
    inputs: Features,
    targets: Features,
    problems: Problems,
    mapped: Mapping[str, NDArray[Any]] | None = None,
) -> Raw:
    spans, mapped = spans_of(data), mapped or {}
    groups = (*(features for name, features in inputs.items() if name not in mapped), *targets.values())
    every = [feature for features in groups for feature in features]
    plain = {f.reads[0] for features in inputs.values() for f in features if f.expression is None}
    cells = read_cells(table, every, spans, problems, plain)
    gaps = {
        inputs[name][0].reads[0]: _holes(column, inputs[name], table, spans, problems)
        for name, column in mapped.items()
    }
    return Raw(data, table, kinds, inputs, targets, replace(cells, holes=gaps), spans, mapped)


def _holes(
    column: NDArray[Any],
    features: tuple[Feature, ...],
    table: Table,
    spans: Mapping[str, Span],
    problems: Problems,
) -> NDArray[np.bool_]:
    """The gaps of a column that stays in its file; infinite numbers are told."""
    missing, infinite = holes(column)
    rows = np.flatnonzero(infinite).tolist()
    if rows:
        name = features[0].name
        notes, told = places(rows, table.row_name), rows_in_words(len(rows))
        problems.add(NotFinite(name=name, rows=told, span=spans.get(name), notes=notes))
    return missing


def whole_samples(raw: Raw, lengths: Sequence[int], mend: str | None, problems: Problems) -> Samples:
    """The samples that have all values, or will have them: those with a gap are left out where `missing`
    says `drop`; a gap that is neither dropped nor filled is told."""
    missing, cells = raw.data.missing, raw.cells
    samples = Samples.of(lengths, raw.data.window, raw.data.ahead)
    inputs, aims = sources_of(raw.inputs.values()), sources_of(raw.targets.values())
    tell_gaps(
        raw.table, cells, [n for n in inputs if missing.of(n) is None], raw.spans, problems, mend or OFFER
    )
    kept = [n for n in aims if missing.of(n) != "drop"]
    at = np.zeros(raw.table.rows, np.bool_)
    at[samples.aims] = True
    drop = f"`missing {kept[0]}=drop` leaves such rows out" if kept and kept[0].isidentifier() else None
    tell_gaps(raw.table, cells, kept, raw.spans, problems, drop, at)
    marked = np.zeros(len(samples), np.bool_)
    for name in inputs:
        if missing.of(name) == "drop":
            marked |= samples.touch(cells.gaps(name))
            marked |= samples.later.touch(cells.gaps(name)) if raw.data.mirrors else False
    for name in aims:
        if missing.of(name) == "drop":
            marked |= cells.gaps(name)[samples.aims]
    return samples.chosen(~marked) if marked.any() else samples
