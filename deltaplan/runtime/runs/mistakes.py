"""What can be wrong with a run folder."""

from pathlib import Path
from typing import ClassVar

from deltaplan.diagnostics import Diagnostic, mistake


@mistake
class RunNotFound(Diagnostic):
    code: ClassVar[str] = "run-not-found"
    title: ClassVar[str] = "`{path}` is no run folder: {why}"
    help: ClassVar[str] = "similar name: `{similar}`"
    path: str
    why: str
    similar: str | None


@mistake
class RunTooNew(Diagnostic):
    code: ClassVar[str] = "run-too-new"
    title: ClassVar[str] = "`{path}` has the format {found}, and this deltaplan reads formats up to {known}"
    help: ClassVar[str] = "it was written by deltaplan {writer}: install that version or a later one"
    path: str
    found: int
    known: int
    writer: str | None


@mistake
class RunDamaged(Diagnostic):
    code: ClassVar[str] = "run-damaged"
    title: ClassVar[str] = "`{file}` {what}"
    help: ClassVar[str] = "a run is written whole: the folder was changed since"
    file: str
    what: str


@mistake
class RunNotWritten(Diagnostic):
    code: ClassVar[str] = "run-not-written"
    title: ClassVar[str] = "the run cannot be written to `{path}`: {why}"
    path: str
    why: str


def not_written(base: Path, error: OSError) -> RunNotWritten:
    """The mistake of a folder that the disk does not take."""
    why = "it is no folder" if isinstance(error, FileExistsError) else error.strerror or str(error)
    return RunNotWritten(path=str(base), why=why.lower())
