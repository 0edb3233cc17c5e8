"""A file of text, whatever encoding and line ends it has, to a string; anything else is refused by name."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from deltaplan.plugins.api import Unreadable

LARGEST_FILE = 2**30
ENCODINGS = ((BOM_UTF8, "utf-8-sig"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16"))
MAGIC = (
    (b"PK\x03\x04", "a zip archive (perhaps an Excel file: save it as CSV)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file: save it as CSV"),
    (b"\x1f\x8b", "compressed by gzip: unpack it"),
    (b"PAR1", "a parquet file, which the source `parquet` reads"),
    (b"\x93NUMPY", "a numpy array: save it with its columns' names as npz"),
)
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """The text with `\\n` as line end, and warnings. UTF-8, UTF-16 by its byte-order mark, else Latin-1."""
    data = read_bytes(path)
    if not data.strip():
        raise Unreadable(f"`{path.name}` is empty")
    for start, what in MAGIC:
        if data.startswith(start):
            raise Unreadable(f"`{path.name}` is not text", help=f"it is {what}")
    text, warnings = _decoded(data, path.name)
    text = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\x1a")
    junk = CONTROL.search(text)
    if junk:
        place = f"{path.name}:{text.count(chr(10), 0, junk.start()) + 1}"
        raise Unreadable(f"`{path.name}` is not text: it holds the control character {ord(junk[0])}", place)
    return text, warnings


def read_bytes(path: Path) -> bytes:
    """The content of a regular file of at most 1 GiB."""
    check_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _not_read(path, error) from None


def check_file(path: Path, largest: int | None = LARGEST_FILE) -> None:
    """Raises Unreadable where there is no regular file, or one above the largest."""
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise Unreadable(f"`{path.name or path}` is a folder")
        if not S_ISREG(status.st_mode):
            raise Unreadable(f"`{path.name}` is not a file")
        if largest is not None and status.st_size > largest:
            raise Unreadable(f"`{path.name}` is larger than 1 GiB")
    except FileNotFoundError:
        raise Unreadable(f"there is no file `{path}`", help=_similar(path)) from None
    except (OSError, ValueError) as error:
        raise _not_read(path, error) from None


def _not_read(path: Path, error: OSError | ValueError) -> Unreadable:
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return Unreadable(f"`{path.name}` cannot be read: {reason}")


def _similar(path: Path) -> str:
    try:
        names = [p.name for p in path.parent.iterdir()]
    except OSError:
        return f"there is no folder `{path.parent}`"
    from difflib import get_close_matches  # needed once something is wrong

    found = get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f"similar name: `{found[0]}`" if found else ""


def _decoded(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    marked = next((encoding for mark, encoding in ENCODINGS if data.startswith(mark)), None)
    try:
        return data.decode(marked or "utf-8"), ()
    except UnicodeDecodeError as error:
        if marked or b"\0" in data:
            raise Unreadable(f"`{name}` is not text: {error.reason} at byte {error.start}") from None
    return data.decode("latin-1"), (f"`{name}` is not UTF-8: it is read as Latin-1",)
