"""Files that are made for the user, who is asked before one of theirs is replaced."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from errno import ENOTDIR
from pathlib import Path
from typing import ClassVar

from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.runtime.files import write_atomically


@mistake
class WouldOverwrite(Diagnostic):
    code: ClassVar[str] = "would-overwrite"
    title: ClassVar[str] = "`{path}` is there already, and nothing was written"
    help: ClassVar[str] = "`{option}` replaces it"
    path: str
    option: str | None


@mistake
class NotWritten(Diagnostic):
    code: ClassVar[str] = "not-written"
    title: ClassVar[str] = "`{path}` cannot be written: {why}"
    path: str
    why: str


def refuse_to_overwrite(paths: Iterable[Path], option: str | None = None) -> None:
    """SpecError with each of the paths where something is; `option` says how to replace it all the same."""
    there = [path for path in paths if path.exists() or path.is_symlink()]
    if there:
        raise SpecError(*(WouldOverwrite(path=str(path), option=option) for path in there))


def in_the_way(path: Path) -> Path | None:
    """What stands where the path needs a folder and is none; the folders that are not there are made."""
    first = next((folder for folder in path.parents if folder.exists() or folder.is_symlink()), None)
    return first if first is not None and not first.is_dir() else None


def write_together(files: Mapping[Path, bytes]) -> None:
    """Writes files in this order, with the folders they need. SpecError where the disk does not take one;
    those that are new are then taken away again."""
    new = [path for path in files if not path.exists()]
    try:
        for path, content in files.items():
            _make_folder(path.parent)
            write_atomically(path, content)
    except OSError as error:
        for written in new:
            with suppress(OSError):
                written.unlink()
        why = (error.strerror or str(error)).lower()
        raise SpecError(NotWritten(path=str(path), why=why)) from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise NotADirectoryError(ENOTDIR, f"`{folder}` is no folder") from None
