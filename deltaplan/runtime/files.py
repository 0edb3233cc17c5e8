"""Files and folders that are either whole or not there."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes a file (text as UTF-8, line ends as they are): all of it, or the old one stays.

    A temporary file in the same folder is written, brought to the disk and renamed. OSError where that fails;
    the temporary file is then gone.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    partial = path.with_name(_hidden(path.name))
    try:
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def new_run_folder(base: Path, spec_name: str, fill: Callable[[Path], None]) -> Path:
    """Makes the folder `base/<spec>-<n>` with n one above the largest there, and returns its path.

    `fill` writes the files into a hidden folder, whose renaming takes the number: no other process sees a
    part of it, and none can take the same number. Where `fill` raises, nothing stays.
    """
    base.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", spec_name).strip(".-") or "run"
    partial = base / _hidden(name)
    partial.mkdir()
    try:
        fill(partial)
        _sync_folder(partial)
        folder = _take_number(partial, base, name)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_folder(base)
    return folder


def _take_number(partial: Path, base: Path, name: str) -> Path:
    for n in count(_largest(base, name) + 1):
        folder = base / f"{name}-{n}"
        if folder.exists():
            continue
        try:
            return partial.rename(folder)  # fails where a folder that holds files is there by now
        except OSError:
            if not folder.exists():
                raise
    raise AssertionError("count() does not end")


def _largest(base: Path, name: str) -> int:
    def numbers() -> Iterator[int]:
        for path in base.iterdir():
            found = re.fullmatch(re.escape(name) + r"-(\d{1,15})", path.name, re.ASCII)
            if found:
                yield int(found[1])

    return max(numbers(), default=0)


def _hidden(name: str) -> str:
    return f".{name}.{os.urandom(4).hex()}.partial"


def _sync_folder(folder: Path) -> None:
    """Brings a renaming to the disk where the system can (Windows cannot open folders)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems refuse; the file itself is written
    finally:
        os.close(handle)
