"""Archives of numpy arrays. Nothing is unpickled, and nothing is unpacked before its size is known; large
arrays that are not compressed stay in their file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from struct import unpack
from tokenize import TokenError
from typing import Any, NoReturn
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812

import numpy as np
from numpy.typing import NDArray

from deltaplan.plugins.api import Table, Unreadable
from deltaplan.plugins.builtin.tables.decode import check_file
from deltaplan.plugins.builtin.tables.sorted_columns import sorted_out

LARGEST_UNPACKED = 4 * 2**30
PICTURES = 4  # axes of an array of pictures: [N, height, width, channels]
MAPPED = 2**28  # bytes of an array, from which on it stays in its file
BROKEN_ARCHIVE = (BadZipFile, ZlibError, EOFError, OSError, NotImplementedError, RuntimeError)
BROKEN_ARRAY = (ValueError, SyntaxError, TokenError, MemoryError)  # the last: a header that claims too much


def read_npz(path: Path) -> Table:
    """Each array of the archive as a column [N, k], pictures [N, height, width, channels] with their shape; a
    large one of numbers is a numpy.memmap, and those of objects and single values are left out. Raises
    Unreadable."""
    check_file(path, largest=None)
    arrays, unread = _arrays(path)
    columns, useless = sorted_out({name: _column(array) for name, array in arrays.items()})
    unread |= useless
    if not columns:
        _tell_useless(path.name, unread)
    lengths = {name: len(column) for name, column in columns.items()}
    rows = next(iter(lengths.values()))
    if set(lengths.values()) != {rows}:
        notes = [f"`{name}` has {length} rows" for name, length in lengths.items()]
        raise Unreadable(f"the arrays of `{path.name}` differ in length", notes=notes)
    shapes = {name: arrays[name].shape[1:] for name in columns if arrays[name].ndim == PICTURES}
    return Table(columns, rows, lambda row: f"{path.name}, row {row}", shapes=shapes, unread=unread)


def _tell_useless(file: str, unread: Mapping[str, str]) -> NoReturn:
    for name, why in unread.items():
        help = "save plain arrays: objects are never unpickled" if why == OBJECTS else ""
        raise Unreadable(f"`{name}` of `{file}` {why}", help=help)
    raise Unreadable(f"`{file}` holds no arrays")


OBJECTS = "holds Python objects, which are never unpickled"


def _arrays(path: Path) -> tuple[Mapping[str, NDArray[Any]], dict[str, str]]:
    """The arrays, and those of objects with what they hold."""
    try:
        with ZipFile(path) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            mapped = dict(_mapped(path, archive))
        size = sum(member.file_size for name, member in members.items() if name not in mapped)
        if size > LARGEST_UNPACKED:
            raise Unreadable(f"`{path.name}` unpacks to {size:,} bytes, and {LARGEST_UNPACKED:,} are allowed")
        with np.load(path, allow_pickle=False) as arrays:
            found = {n: mapped[n] if n in mapped else _plain(arrays, n) for n in arrays.files}
    except (*BROKEN_ARCHIVE, *BROKEN_ARRAY):
        raise Unreadable(f"`{path.name}` is no archive of numpy arrays") from None
    known = {name: array for name, array in found.items() if array is not None}
    return known, {name: OBJECTS for name, array in found.items() if array is None}


def _plain(arrays: Any, name: str) -> NDArray[Any] | None:
    """An array of the archive; None where it holds objects."""
    try:
        return np.asarray(arrays[name])
    except ValueError as error:
        if "pickle" not in str(error):
            raise
    return None


def _mapped(path: Path, archive: ZipFile) -> Iterator[tuple[str, NDArray[Any]]]:
    """Large arrays of several numbers a row that stand in the archive as they are."""
    for member in archive.infolist():
        if member.compress_type != ZIP_STORED or member.file_size < MAPPED:
            continue
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = HEADERS[version[0] == 1]
            shape, fortran, dtype = read(file)
            offset = _begin(path, member) + file.tell()
        if not fortran and len(shape) > 1 and dtype.kind in "buif":
            yield member.filename.removesuffix(".npy"), np.memmap(path, dtype, "r", offset, shape)


HEADERS = (np.lib.format.read_array_header_2_0, np.lib.format.read_array_header_1_0)


def _begin(path: Path, member: ZipInfo) -> int:
    """Where the bytes of a member begin: behind a header of its own, which may be longer than the directory
    says."""
    with open(path, "rb") as file:
        file.seek(member.header_offset + 26)
        name, extra = unpack("<HH", file.read(4))
    return member.header_offset + 30 + int(name) + int(extra)


def _column(array: NDArray[Any]) -> NDArray[Any] | str:
    """Its numbers or words, or what it holds that is of no use."""
    if array.ndim == 0:
        return "is a single value and no column"
    match array.dtype.kind:
        case "b" | "i" | "u" | "f":
            return _matrix(array) if array.ndim > 1 else array
        case "U" if array.ndim == 1:
            return array.astype(object)
        case "S" if array.ndim == 1:
            return np.char.decode(array, "utf-8", "replace").astype(object)
    return f"holds neither numbers nor words ({array.dtype})"


def _matrix(array: NDArray[Any]) -> NDArray[Any]:
    """[N, k]; numbers in a file stay there."""
    flat = array.reshape(len(array), -1)
    return flat if isinstance(flat, np.memmap) else np.asarray(flat, np.float64)
