"""The data block of a spec, carried out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import DataFile, DataSpec, Experiment
from deltaplan.compiler.nodes import Use
from deltaplan.diagnostics import Problems, Span, SpecError
from deltaplan.plugins.contracts import DataSource, Table, Unreadable
from deltaplan.runtime.data.cells import Floats
from deltaplan.runtime.data.columns import sources_of, with_columns_of
from deltaplan.runtime.data.dataset import Dataset, Part, ReadFile
from deltaplan.runtime.data.fitting import fitted_preprocessing
from deltaplan.runtime.data.gaps import OFFER, fitted
from deltaplan.runtime.data.mapped import stored
from deltaplan.runtime.data.misfits import misfits
from deltaplan.runtime.data.parts import rows_of_parts
from deltaplan.runtime.data.preprocessing import TRAINED_WITHOUT, Preprocessing
from deltaplan.runtime.data.problems import DataGuessed, WindowTooLong, rows_in_words, unreadable
from deltaplan.runtime.data.raw import Raw, kinds_of, read_again, read_raw, whole_samples
from deltaplan.runtime.data.samples import Samples
from deltaplan.runtime.data.stack import Stack, stacked
from deltaplan.runtime.data.targets import check_range

FLOAT32 = np.dtype(np.float32)


def load_dataset(experiment: Experiment, folder: Path, path: Path | Sequence[Path] | None = None) -> Dataset:
    """Reads the spec's data, splits and scales them; `folder` is that of the spec, and `path` replaces the
    files that the spec names. SpecError with every mistake that was found."""
    stack, files = read_files(_data_of(experiment), folder, path)
    return prepare(experiment, stack, files)


def read_files(
    data: DataSpec, folder: Path, path: Path | Sequence[Path] | None = None
) -> tuple[Stack, tuple[ReadFile, ...]]:
    """The tables of a data block, and what is kept of their files."""
    others = [path] if isinstance(path, Path) else [*(path or ())]
    files, paths = data.files, [folder / file.path for file in data.files]
    if others:
        files = files if len(others) == len(files) else tuple(DataFile(data.source) for _ in others)
        paths = others
    spans = [None if others else file.use.span for file in files]
    tables = [read_table(f.use, p, s) for f, p, s in zip(files, paths, spans, strict=True)]
    stack = stacked(
        tables, [file.part for file in files], [(p.name, s) for p, s in zip(paths, spans, strict=True)]
    )
    read = tuple(_read_file(f.use, p) for f, p in zip(files, paths, strict=True))
    return stack, tuple(file for file in read if file)


def prepare(experiment: Experiment, stack: Stack, files: tuple[ReadFile, ...] = ()) -> Dataset:
    """The dataset from tables that are read already."""
    problems, table = Problems(), stack.table
    data = with_columns_of(_data_of(experiment), table, problems)
    problems.extend(DataGuessed(what=text, span=data.source.span) for text in table.warnings)
    problems.raise_errors()
    raw = read_raw(kinds_of(experiment.graph, data), data, table, problems)
    problems.extend(misfits(experiment.graph, raw) if not problems.errors else ())
    samples = whole_samples(raw, stack.lengths, OFFER, problems)
    _check_windows(data, samples, table, problems)
    problems.raise_errors()
    targets = raw.target_numbers(problems)
    parts = rows_of_parts(raw, stack, samples, targets, problems)
    problems.raise_errors()
    train = np.flatnonzero(samples.chosen(parts["train"]).read(table.rows))
    fills = fitted(raw.cells, sources_of(raw.inputs.values()), data.missing, train, raw.spans, problems)
    problems.raise_errors()
    raw = replace(raw, cells=fills.closed(raw.cells))
    inputs = raw.input_numbers(problems)
    problems.raise_errors()
    aims = samples.chosen(parts["train"]).aims
    preprocessing = fitted_preprocessing(
        experiment.graph, raw, fills, inputs, targets, (train, aims), problems
    )
    dtype = np.dtype(experiment.train.precision if experiment.train else "float32")
    made = {
        name: _part(preprocessing, raw, samples.chosen(rows), inputs, targets, problems, dtype)
        for name, rows in parts.items()
    }
    problems.raise_errors()
    return Dataset(made, preprocessing, files, problems.warnings)


def load_part(experiment: Experiment, preprocessing: Preprocessing, path: Path) -> Part:
    """All rows of another file as samples, with the preprocessing and the classes of a trained model."""
    return part_of(experiment, preprocessing, read_table(_data_of(experiment).source, path))


def part_of(experiment: Experiment, preprocessing: Preprocessing, table: Table) -> Part:
    """The same for a table that is read already."""
    data, problems = _data_of(experiment), Problems()
    raw = read_again(kinds_of(experiment.graph, data), data, table, preprocessing, problems)
    samples = whole_samples(raw, [table.rows], TRAINED_WITHOUT, problems)
    _check_windows(data, samples, table, problems)
    targets, inputs = raw.target_numbers(problems), raw.input_numbers(problems)
    problems.raise_errors()
    part = _part(preprocessing, raw, samples, inputs, targets, problems)
    problems.raise_errors()
    return part


def read_table(source: Use, path: Path, span: Span | None = None) -> Table:
    """What a data source gives for a path; SpecError, at `span` where the spec names it, where it cannot."""
    contract = source.contract
    assert isinstance(contract, DataSource)
    options = {name: value for name, value in source.values.items() if name != "path"}
    try:
        if contract.owner.foreign:
            from deltaplan.runtime.data.foreign import read_in_process

            return read_in_process(contract, path, options, span)
        return contract.read(path, **options)
    except Unreadable as error:
        raise SpecError(unreadable(error, span)) from None


def _data_of(experiment: Experiment) -> DataSpec:
    if experiment.data is None:
        raise ValueError("the experiment has no data block")
    return experiment.data


def _check_windows(data: DataSpec, samples: Samples, table: Table, problems: Problems) -> None:
    needed = data.window + data.ahead
    if needed > max(table.rows, 1) and not len(samples):
        ahead = f" with a target {data.ahead} ahead" if data.ahead else ""
        problems.add(
            WindowTooLong(window=data.window, ahead=ahead, rows=rows_in_words(table.rows), span=data.span)
        )


def _part(
    preprocessing: Preprocessing,
    raw: Raw,
    samples: Samples,
    inputs: Mapping[str, Floats],
    targets: Mapping[str, NDArray[Any]],
    problems: Problems,
    dtype: np.dtype[Any] = FLOAT32,
) -> Part:
    """The numbers of some samples, scaled; `dtype` is that of inputs that stay in a file."""

    def given(name: str, which: Samples) -> NDArray[Any]:
        scaling = preprocessing.inputs[name].scaling
        if name in raw.mapped:
            return stored(raw.mapped[name], which.ends, scaling, dtype)
        return scaling.apply(which.windows(inputs[name]))

    x = {name: given(name, samples) for name in preprocessing.inputs}
    y: dict[str, NDArray[Any]] = {}
    for name, columns in preprocessing.targets.items():
        if columns.mirrors:
            mirrored = columns.mirrors
            y[name] = given(mirrored, samples.later) if raw.data.ahead else x[mirrored]
        elif columns.kind == "class":
            y[name] = np.ascontiguousarray(targets[name][samples.aims])
        else:
            y[name] = columns.scaling.apply(targets[name][:, samples.aims])
        if columns.kind in ("binary", "sign"):
            _check_range(raw, samples, name, columns.kind, y[name], problems)
    return Part(x, y, samples.ends)


def _check_range(
    raw: Raw, samples: Samples, output: str, kind: Any, values: Floats, problems: Problems
) -> None:
    columns = raw.data.targets.get(output, ())
    name = ", ".join(column.name for column in columns)
    rows = samples.aims
    check_range(
        kind, name, values, lambda i: raw.table.row_name(rows[i]), raw.spans.get(columns[0].name), problems
    )


def _read_file(source: Use, path: Path) -> ReadFile | None:
    """What is kept of a file; nothing for a name that no file stands behind."""
    contract = source.contract
    named = isinstance(contract, DataSource) and contract.named
    return None if named else ReadFile(path, _sha256(path))


def _sha256(path: Path) -> str | None:
    """Of the file's bytes; None where the path is no file."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
