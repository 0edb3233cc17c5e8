"""The data block of a spec, carried out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Column, DataSpec, Experiment
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Target, Use
from deltaplan.diagnostics import Problems, Span, SpecError
from deltaplan.plugins.contracts import DataSource, Table, Unreadable
from deltaplan.runtime.data.columns import Floats, Wanted, number_columns
from deltaplan.runtime.data.dataset import Dataset, Part, PartName
from deltaplan.runtime.data.misfits import Raw, misfits
from deltaplan.runtime.data.preprocessing import InputColumns, Kind, Preprocessing, Scaling, TargetColumns
from deltaplan.runtime.data.problems import (
    ConstantColumn,
    DataGuessed,
    EmptyPart,
    constant_columns,
    rows_in_words,
    unreadable,
)
from deltaplan.runtime.data.split import Rows, fractions, split_rows
from deltaplan.runtime.data.targets import classes_of, encode


def load_dataset(experiment: Experiment, folder: Path, path: Path | None = None) -> Dataset:
    """Reads the spec's data, splits and scales them; `folder` is that of the spec, and `path` replaces the
    file that the spec names. SpecError with every mistake that was found."""
    data = _data_of(experiment)
    contract = data.source.contract
    file = path or folder / data.path
    table = read_table(data.source, file, None if path else data.source.span)
    if isinstance(contract, DataSource) and contract.named:
        return prepare(experiment, table)
    return prepare(experiment, table, file, _sha256(file))


def prepare(
    experiment: Experiment, table: Table, path: Path | None = None, sha256: str | None = None
) -> Dataset:
    """The dataset from a table that is read already."""
    data, problems = _with_rest(_data_of(experiment), table), Problems()
    problems.extend(DataGuessed(what=text, span=data.source.span) for text in table.warnings)
    raw = _numbers(experiment.graph, data, table, problems)
    problems.raise_errors()
    rows = _rows_of_parts(data, table.rows, raw, problems)
    problems.raise_errors()
    preprocessing = _fitted(data, raw, rows["train"], problems)
    parts = {name: _part(preprocessing, raw, chosen) for name, chosen in rows.items()}
    return Dataset(parts, preprocessing, path, sha256, problems.warnings)


def load_part(experiment: Experiment, preprocessing: Preprocessing, path: Path) -> Part:
    """All rows of another file as samples, with the preprocessing and the classes of a trained model."""
    return part_of(experiment, preprocessing, read_table(_data_of(experiment).source, path))


def part_of(experiment: Experiment, preprocessing: Preprocessing, table: Table) -> Part:
    """The same for a table that is read already."""
    data, problems = _data_of(experiment), Problems()
    if data.rest:
        data = _with_columns(data, data.rest, preprocessing.inputs[data.rest].names)
    known = {name: target.classes for name, target in preprocessing.targets.items()}
    raw = _numbers(experiment.graph, data, table, problems, known)
    problems.raise_errors()
    return _part(preprocessing, raw, np.arange(table.rows))


def read_table(source: Use, path: Path, span: Span | None = None) -> Table:
    """What a data source gives for a path; SpecError, at `span` where the spec names it, where it cannot."""
    contract = source.contract
    assert isinstance(contract, DataSource)
    options = {name: value for name, value in source.values.items() if name != "path"}
    try:
        return contract.read(path, **options)
    except Unreadable as error:
        raise SpecError(unreadable(error, span)) from None


def _data_of(experiment: Experiment) -> DataSpec:
    if experiment.data is None:
        raise ValueError("the experiment has no data block")
    return experiment.data


def _with_rest(data: DataSpec, table: Table) -> DataSpec:
    """`inputs rest` as the named columns that are neither targets nor inputs, in the order of the source."""
    if not data.rest:
        return data
    stated = {c.name for columns in (*data.inputs.values(), *data.targets.values()) for c in columns}
    if not stated <= table.columns.keys():  # which is told, and what was meant may be among the others
        return data
    names = [name for name in table.columns if name not in stated and not name.startswith("#")]
    return _with_columns(data, data.rest, names)


def _with_columns(data: DataSpec, name: str, columns: Sequence[str]) -> DataSpec:
    named = tuple(Column(column, data.span) for column in columns)
    return replace(data, inputs={**data.inputs, name: named})


def _numbers(
    graph: Graph,
    data: DataSpec,
    table: Table,
    problems: Problems,
    known: Mapping[str, tuple[str, ...]] | None = None,
) -> Raw:
    """The columns as numbers; `known` classes are those of a trained model."""
    inputs = {
        name: number_columns(table, _wanted(columns), problems) for name, columns in data.inputs.items()
    }
    kinds: dict[str, Kind] = {target.output: target.kind for target in graph.of(Target)}
    classes, targets = {}, {}
    for output, columns in data.targets.items():
        kind, wanted = kinds.setdefault(output, "real"), _wanted(columns)
        named = known[output] if known is not None else classes_of(table, kind, wanted, problems)
        if named is not None:
            classes[output] = named
            targets[output] = encode(table, kind, named, wanted, problems)
    raw = Raw(inputs, targets, kinds, classes)
    if not problems.errors:
        problems.extend(misfits(graph, data, raw))
    return raw


def _wanted(columns: Sequence[Column]) -> list[Wanted]:
    return [Wanted(column.name, column.span) for column in columns]


def _rows_of_parts(data: DataSpec, rows: int, raw: Raw, problems: Problems) -> dict[PartName, Rows]:
    classes = next((raw.targets[name] for name, known in raw.classes.items() if known), None)
    indices = None if classes is None else np.asarray(classes).reshape(-1, rows)[0].astype(np.int64)
    parts = split_rows(rows, data.split, indices)
    span = data.split.span or data.span
    for name in ("train", *fractions(data.split)):
        if not len(parts.get(name, ())):
            mend = "give it a larger share, or leave it out" if rows else None
            problems.add(EmptyPart(part=name, rows=rows_in_words(rows), mend=mend, span=span))
    return parts


def _fitted(data: DataSpec, raw: Raw, train: Rows, problems: Problems) -> Preprocessing:
    """Scaling from the training rows alone."""

    def scaling(values: NDArray[Any], columns: Sequence[Column], wanted: bool) -> Scaling:
        if not wanted:
            return Scaling.none(len(values))
        problems.extend(_constant_columns(values[:, train], columns))
        return Scaling.fitted(values[:, train])

    inputs = {
        name: InputColumns(_names(columns), scaling(raw.inputs[name], columns, "inputs" in data.standardize))
        for name, columns in data.inputs.items()
    }
    targets = {}
    for name, columns in data.targets.items():
        kind, values = raw.kinds[name], np.atleast_2d(raw.targets[name])
        fitted = scaling(values, columns, "targets" in data.standardize and kind == "real")
        targets[name] = TargetColumns(kind, _names(columns), fitted, raw.classes[name])
    return Preprocessing(inputs, targets)


def _names(columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _constant_columns(values: Floats, columns: Sequence[Column]) -> list[ConstantColumn]:
    """One warning for all of them. Nothing for a column of several features: a pixel at the edge of every
    image is no mistake."""
    if len(values) != len(columns):
        return []
    found = [
        (column.name, float(row[0]), column.span)
        for row, column in zip(values, columns, strict=True)
        if row.min() == row.max()
    ]
    return [constant_columns(found)] if found else []


def _part(preprocessing: Preprocessing, raw: Raw, rows: Rows) -> Part:
    x = {name: spec.scaling.apply(raw.inputs[name][:, rows]) for name, spec in preprocessing.inputs.items()}
    y = {
        name: spec.scaling.apply(raw.targets[name][:, rows])
        if spec.kind != "class"
        else np.ascontiguousarray(raw.targets[name][rows])
        for name, spec in preprocessing.targets.items()
    }
    return Part(x, y, rows)


def _sha256(path: Path) -> str | None:
    """Of the file's bytes; None where the path is no file."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
