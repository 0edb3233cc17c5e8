"""What people hold samples in, as named columns: arrays, lists, mappings, series and data frames.

Frames and series are known by what they can do (`columns` and `[name]`; `name` and `to_numpy`), so that no
library of frames is imported.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.plugins.contracts import Table
from deltaplan.records import dataclass
from deltaplan.runtime.data.problems import rows_in_words

Columns = dict[str, NDArray[Any]]


@mistake
class NotATable(Diagnostic):
    code: ClassVar[str] = "data-no-table"
    title: ClassVar[str] = "`{name}` is no table of samples: {why}"
    help: ClassVar[str] = "give an array [samples, features], a data frame, or a mapping of columns"
    name: str
    why: str


@mistake
class ColumnCount(Diagnostic):
    code: ClassVar[str] = "data-column-count"
    title: ClassVar[str] = "`{name}` has {given}, and {asker} asks for {wanted}"
    label: ClassVar[str] = "rows of shape [N, {wanted}]: {columns}"
    name: str
    given: str
    wanted: int
    asker: str = "the spec"
    columns: str | None = None


@mistake
class LengthsDiffer(Diagnostic):
    code: ClassVar[str] = "data-lengths-differ"
    title: ClassVar[str] = "`{first}` has {rows} and `{other}` has {others}"
    help: ClassVar[str] = "inputs and targets are of the same samples, in the same order"
    first: str
    rows: str
    other: str
    others: str


@dataclass(frozen=True, slots=True)
class Given:
    """Columns by name; `named` tells that the names are the data's own."""

    columns: Columns
    named: bool

    def under(self, names: Sequence[str], what: str, asker: str = "the spec") -> Columns:
        """The columns of an array under these names: one for each, or all as the one column of that name.

        SpecError where there are fewer or more.
        """
        if len(names) == 1 and len(self.columns) > 1:
            return {names[0]: np.stack(list(self.columns.values()), axis=1)}
        if len(self.columns) == len(names):
            return dict(zip(names, self.columns.values(), strict=True))
        raise SpecError(
            ColumnCount(
                name=what,
                given=_columns_in_words(len(self.columns)),
                wanted=len(names),
                asker=asker,
                columns=", ".join(f"`{name}`" for name in names[:10]) + ", …" * (len(names) > 10),
            )
        )


def columns_of(name: str, data: Any) -> Given:
    """The columns of what the user calls `name`; SpecError where they are none."""
    if isinstance(data, Mapping):
        return Given({str(key): _column(f"{name}[{key!r}]", value) for key, value in data.items()}, True)
    if is_frame(data):
        return Given({str(key): _column(f"{name}[{key!r}]", data[key]) for key in data.columns}, True)
    if getattr(data, "name", None) is not None and hasattr(data, "to_numpy"):
        return Given({str(data.name): _column(name, data)}, True)
    array = plain(name, data)
    if array.ndim not in (1, 2):
        raise SpecError(NotATable(name=name, why=f"it has the shape {array.shape}"))
    matrix = array if array.ndim == 2 else array[:, None]
    return Given({f"{name.lower()}{i + 1}": matrix[:, i] for i in range(matrix.shape[1])}, False)


def is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "__getitem__")


def table_of(columns: Columns) -> Table:
    """The columns as a table; SpecError where they differ in length."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        first, rows = next(iter(lengths.items()))
        other = next(name for name, length in lengths.items() if length != rows)
        counts = rows_in_words(rows), rows_in_words(lengths[other])
        raise SpecError(LengthsDiffer(first=first, rows=counts[0], other=other, others=counts[1]))
    return Table(columns, next(iter(lengths.values()), 0), lambda row: f"row {row}")


def plain(name: str, values: Any) -> NDArray[Any]:
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


def _column(name: str, values: Any) -> NDArray[Any]:
    """[N], or [N, k] for a column of k features."""
    array = plain(name, values)
    if array.ndim not in (1, 2):
        raise SpecError(NotATable(name=name, why=f"a column has the shape {array.shape}"))
    return array


def _words(array: NDArray[Any]) -> NDArray[Any]:
    """An object array as numbers if all are, else as words."""
    flat = array.ravel().tolist()
    if all(isinstance(value, int | float | np.number | None) for value in flat):
        return np.array([np.nan if v is None else float(v) for v in flat]).reshape(array.shape)
    words = ["" if value is None or value != value else str(value) for value in flat]
    return np.array(words, dtype=object).reshape(array.shape)


def _columns_in_words(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"
