"""What was compiled, kept on disk, so that it is not compiled again.

A file's name is the hash of all that its content follows from: the text, LLVM's version and the processor. It
begins with a checksum of the rest. Files are written aside and moved into place, so that any number of
processes may read and write at once, and what is damaged is made anew.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

VARIABLE = "DELTAPLAN_CACHE"  # a folder, or `off`
MAGIC = b"deltaplan 1\n"
MOST = 2048  # files that are kept, a handful for each training; the oldest go first


def cached(parts: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
    """What `make` gives, or what it once gave for the same `parts`."""
    path = place(parts)
    found = read(path) if path else None
    if found is None:
        found = make()
        if path:
            save(path, found)
    return found


def place(parts: tuple[str, ...]) -> Path | None:
    """The file for what follows from `parts`; None where nothing is kept."""
    folder = cache_folder()
    return folder / f"{hashlib.sha256(_joined(parts)).hexdigest()}.o" if folder else None


def cache_folder() -> Path | None:
    """The folder, of this user alone, made if it is not there; None where there can be or shall be none."""
    named = os.environ.get(VARIABLE)
    if named == "off":
        return None
    folder = Path(named) if named else _place() / "deltaplan"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if _own(folder) else None
    except OSError:
        return None


def _place() -> Path:
    """Where this system keeps caches."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _own(folder: Path) -> bool:
    """Whether nobody else can put a file there: what is there is run without a question."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _joined(parts: tuple[str, ...]) -> bytes:
    return b"\0".join(part.encode() for part in parts)


def read(path: Path) -> bytes | None:
    """The content of a file; None if there is none or it is not whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + 32
    content = data[start:]
    whole = data[: len(MAGIC)] == MAGIC and data[len(MAGIC) : start] == hashlib.sha256(content).digest()
    return content if whole else None


def save(path: Path, content: bytes) -> None:
    """Puts a file in its place; where the disk does not take it, nothing happens."""
    with suppress(OSError):
        write(path, content)


def write(path: Path, content: bytes) -> None:
    """Puts a file in its place, whole. OSError where the disk does not take it."""
    number, aside = tempfile.mkstemp(dir=path.parent, prefix="writing-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(MAGIC + hashlib.sha256(content).digest() + content)
        os.replace(aside, path)
    except OSError:
        with suppress(OSError):
            os.unlink(aside)
        raise
    if path.name.startswith("0"):  # one of sixteen files: to count them all takes longer than to write one
        _prune(path.parent)


def _prune(folder: Path) -> None:
    """Deletes the files that were used longest ago where there are too many."""
    files = [*folder.glob("*.o"), *folder.glob("*.spec")]
    if len(files) > MOST:
        with suppress(OSError):
            for path in sorted(files, key=lambda p: p.stat().st_mtime)[: len(files) - MOST]:
                path.unlink(missing_ok=True)
