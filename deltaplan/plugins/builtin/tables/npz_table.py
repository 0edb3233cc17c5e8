"""Archives of numpy arrays. Nothing is unpickled, and nothing is unpacked before its size is known."""

from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError  # noqa: N812

import numpy as np
from numpy.typing import NDArray

from deltaplan.plugins.api import Table, Unreadable
from deltaplan.plugins.builtin.tables.decode import check_file

LARGEST_UNPACKED = 4 * 2**30
BROKEN_ARCHIVE = (BadZipFile, ZlibError, EOFError, OSError, NotImplementedError, RuntimeError)
BROKEN_ARRAY = (ValueError, SyntaxError, TokenError, MemoryError)  # the last: a header that claims too much


def read_npz(path: Path) -> Table:
    """Each array of the archive as a column. Raises Unreadable."""
    check_file(path)
    columns = {name: _column(path.name, name, array) for name, array in _arrays(path).items()}
    if not columns:
        raise Unreadable(f"`{path.name}` holds no arrays")
    lengths = {name: len(column) for name, column in columns.items()}
    rows = next(iter(lengths.values()))
    if set(lengths.values()) != {rows}:
        notes = [f"`{name}` has {length} rows" for name, length in lengths.items()]
        raise Unreadable(f"the arrays of `{path.name}` differ in length", notes=notes)
    return Table(columns, rows, lambda row: f"{path.name}, row {row}")


def _arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        with ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > LARGEST_UNPACKED:
            raise Unreadable(f"`{path.name}` unpacks to {size:,} bytes, and {LARGEST_UNPACKED:,} are allowed")
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (*BROKEN_ARCHIVE, *BROKEN_ARRAY) as error:
        help = "save plain arrays: objects are never unpickled" if "pickle" in str(error) else ""
        raise Unreadable(f"`{path.name}` is no archive of numpy arrays", help=help) from None


def _column(file: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 0:
        raise Unreadable(f"`{name}` of `{file}` is a single value and no column")
    match array.dtype.kind:
        case "b" | "i" | "u" | "f":
            return np.asarray(array, np.float64).reshape(len(array), -1) if array.ndim > 1 else array
        case "U" if array.ndim == 1:
            return array.astype(object)
        case "S" if array.ndim == 1:
            return np.char.decode(array, "utf-8", "replace").astype(object)
    raise Unreadable(f"`{name}` of `{file}` holds neither numbers nor words ({array.dtype})")
