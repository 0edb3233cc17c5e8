"""Parquet files, read by pyarrow, which is imported here alone."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.plugins.api import Table, Unreadable
from deltaplan.plugins.builtin.tables.decode import check_file
from deltaplan.plugins.builtin.tables.sorted_columns import sorted_out

LARGEST_UNPACKED = 4 * 2**30


def read_parquet(path: Path) -> Table:
    """Numbers as float64 with NaN for null, words with '' for null, lists of one length as [N, k]. Dates
    become words, so that what asks for numbers can say what they are; columns of anything else are left
    out. Raises Unreadable."""
    check_file(path)
    table = _read(path)
    if not table.num_rows:
        raise Unreadable(f"`{path.name}` has no rows")
    columns, unread = sorted_out({name: _column(table.column(name)) for name in _names(path.name, table)})
    if not columns:
        raise Unreadable(*(f"`{name}` of `{path.name}` {why}" for name, why in list(unread.items())[:1]))
    return Table(columns, table.num_rows, lambda row: f"{path.name}, row {row}", unread=unread)


def _read(path: Path) -> Any:
    parquet = pyarrow(".parquet")
    try:
        file = parquet.ParquetFile(path)
        groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        if size > LARGEST_UNPACKED:
            message = f"`{path.name}` unpacks to {size:,} bytes, and {LARGEST_UNPACKED:,} are allowed"
            raise Unreadable(message)
        return file.read()
    except (pyarrow().ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise Unreadable(f"`{path.name}` is no parquet file: {reason}") from None


def pyarrow(module: str = "") -> Any:
    try:
        return import_module(f"pyarrow{module}")
    except ModuleNotFoundError:
        help = "install it: `pip install deltaplan[data]`"
        raise Unreadable("the source `parquet` needs pyarrow, which is not installed", help=help) from None


def _names(file: str, table: Any) -> list[str]:
    names: list[str] = table.column_names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Unreadable(f"`{file}` has two columns named `{twice}`")
    return names


def _column(column: Any) -> NDArray[Any] | str:
    """Its numbers or words, or what it holds that is of no use."""
    types = pyarrow(".types")
    kind = column.type
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return _numbers(column)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_temporal(kind) or types.is_null(kind):
        return np.array(["" if v is None else str(v).strip() for v in column.to_pylist()], dtype=object)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _matrix(column)
    return f"holds neither numbers nor words ({kind})"


def _numbers(column: Any) -> NDArray[np.float64]:
    found = column.cast(pyarrow().float64(), safe=False).to_numpy()
    return np.asarray(found, np.float64)


def _matrix(column: Any) -> NDArray[np.float64] | str:
    """[N, k] of lists of k numbers each."""
    rows = column.to_pylist()
    lengths = {len(row) if row is not None else -1 for row in rows}
    if len(lengths) != 1 or -1 in lengths:
        return "holds lists that differ in length"
    try:
        found = np.array(rows, np.float64)
    except (TypeError, ValueError):
        return "holds lists of something else than numbers"
    return found.reshape(len(rows), -1)
