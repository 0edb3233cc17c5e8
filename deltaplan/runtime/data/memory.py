"""Data from memory: arrays, mappings of columns, and data frames (anything with `columns` and `[name]`)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Column, DataSpec, Experiment, Split
from deltaplan.compiler.nodes import Input, Target, Use
from deltaplan.diagnostics import Diagnostic, Span, SpecError
from deltaplan.plugins.contracts import DataSource, Table
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.prepare import prepare

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotATable(Diagnostic):
    code: ClassVar[str] = "data-no-table"
    title: ClassVar[str] = "`{name}` is no table of samples: {why}"
    help: ClassVar[str] = "give an array [samples, features], a data frame, or a mapping of columns"
    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCount(Diagnostic):
    code: ClassVar[str] = "data-column-count"
    title: ClassVar[str] = "`{name}` has {given}, and the spec asks for {wanted}"
    name: str
    given: str
    wanted: int


def dataset_from_memory(experiment: Experiment, x: Any, y: Any) -> Dataset:
    """The dataset of samples in memory, split and scaled as the spec's data block says.

    Columns with names are found by them where the spec names columns; those of an array are taken in the
    spec's order. A spec without a data block trains on all rows as they are. SpecError where they do not fit.
    """
    given_x, named_x = _columns("X", x)
    given_y, named_y = _columns("y", y)
    data = experiment.data
    if data is None:
        data = _without_block(experiment, list(given_x), list(given_y))
    inputs = [column.name for columns in data.inputs.values() for column in columns]
    targets = [column.name for columns in data.targets.values() for column in columns]
    table_x = given_x if named_x or data.rest else _renamed("X", given_x, inputs)
    table_y = given_y if named_y else _renamed("y", given_y, targets)
    return prepare(replace(experiment, data=data), _table({**table_x, **table_y}))


def table_from_memory(x: Any, names: tuple[str, ...]) -> Table:
    """Inputs alone, for prediction: `names` are given to the columns of an array."""
    columns, named = _columns("X", x)
    return _table(columns if named else _renamed("X", columns, list(names)))


def _columns(name: str, data: Any) -> tuple[Columns, bool]:
    """Columns by name, and whether the names are the data's own."""
    if isinstance(data, Mapping):
        return {str(key): _column(name, value) for key, value in data.items()}, True
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        return {str(key): _column(name, data[key]) for key in data.columns}, True
    if getattr(data, "name", None) is not None and hasattr(data, "to_numpy"):
        return {str(data.name): _column(name, data)}, True
    array = _plain(name, data)
    if array.ndim not in (1, 2):
        raise SpecError(NotATable(name=name, why=f"it has the shape {array.shape}"))
    matrix = array.reshape(len(array), -1)
    return {f"{name.lower()}{i + 1}": matrix[:, i] for i in range(matrix.shape[1])}, False


def _column(name: str, values: Any) -> NDArray[Any]:
    array = _plain(name, values)
    if array.ndim != 1:
        raise SpecError(NotATable(name=name, why=f"a column has the shape {array.shape}"))
    return array


def _plain(name: str, values: Any) -> NDArray[Any]:
    """Numbers stay numbers; anything else becomes words, and what is missing an empty one."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise SpecError(NotATable(name=name, why="its rows differ in length")) from None
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind in "OUST":
        return _words(array)
    raise SpecError(NotATable(name=name, why=f"it holds {array.dtype}"))


def _words(array: NDArray[Any]) -> NDArray[Any]:
    """An object array as numbers if all are, else as words."""
    flat = array.ravel().tolist()
    if all(isinstance(value, int | float | np.number | None) for value in flat):
        return np.array([np.nan if v is None else float(v) for v in flat]).reshape(array.shape)
    words = ["" if value is None or value != value else str(value) for value in flat]
    return np.array(words, dtype=object).reshape(array.shape)


def _renamed(name: str, columns: Columns, wanted: list[str]) -> Columns:
    if len(columns) != len(wanted):
        given = "1 column" if len(columns) == 1 else f"{len(columns)} columns"
        raise SpecError(ColumnCount(name=name, given=given, wanted=len(wanted)))
    return dict(zip(wanted, columns.values(), strict=True))


def _table(columns: Columns) -> Table:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        why = ", ".join(f"`{name}` has {length} rows" for name, length in lengths.items())
        raise SpecError(NotATable(name="X, y", why=why))
    return Table(columns, next(iter(lengths.values()), 0), lambda row: f"row {row}")


def _without_block(experiment: Experiment, x: list[str], y: list[str]) -> DataSpec:
    """A data block for a spec that has none: all of X is the input, all of y the target."""
    (node, *_), (target, *_) = experiment.graph.of(Input), experiment.graph.of(Target)
    span = node.span
    source = Use(DataSource("memory", (), "", attributes=(), read=_never), {"path": ""}, span)
    inputs, targets = {node.name: _named(x, span)}, {target.output: _named(y, span)}
    return DataSpec(source, inputs, targets, Split(1.0, 0.0, 0.0, 0), (), span)


def _named(names: list[str], span: Span) -> tuple[Column, ...]:
    return tuple(Column(name, span) for name in names)


def _never(path: str) -> Table:
    raise AssertionError("data from memory are not read from a path")
