"""What a spec may cost to read, checked before any work is done on it."""

import os
import re
from codecs import BOM_UTF8
from pathlib import Path
from typing import ClassVar

from deltaplan.diagnostics import Diagnostic, Source, Span, SpecError, mistake, nearest
from deltaplan.dsl.pieces import partners, pieces
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on the text of one file; nesting counts brackets, braces and chained operators."""

    bytes: int = 1 << 20
    line: int = 10_000  # characters
    nesting: int = 100
    tokens: int = 200_000


LIMITS = Limits()


@mistake
class UnreadableFile(Diagnostic):
    code: ClassVar[str] = "unreadable-file"
    title: ClassVar[str] = "cannot read `{path}`: {reason}"
    label: ClassVar[str] = "similar name: `{similar}`"
    path: str
    reason: str
    similar: str | None


@mistake
class FileTooLong(Diagnostic):
    code: ClassVar[str] = "file-too-long"
    title: ClassVar[str] = "`{name}` is longer than {limit:,} bytes"
    help: ClassVar[str] = "samples stand in a file of their own, which a `data` block names"
    name: str
    limit: int


@mistake
class NotUtf8(Diagnostic):
    code: ClassVar[str] = "not-utf8"
    title: ClassVar[str] = "the byte 0x{byte:02x} is not UTF-8 text"
    help: ClassVar[str] = "save the file as UTF-8"
    byte: int


@mistake
class ControlCharacter(Diagnostic):
    code: ClassVar[str] = "control-character"
    title: ClassVar[str] = "the control character U+{number:04X} does not belong in a text"
    number: int


@mistake
class LineTooLong(Diagnostic):
    code: ClassVar[str] = "line-too-long"
    title: ClassVar[str] = "a line of {length:,} characters; at most {limit:,} are read"
    length: int
    limit: int


@mistake
class TooDeep(Diagnostic):
    code: ClassVar[str] = "too-deep"
    title: ClassVar[str] = "nested more than {limit} deep"
    label: ClassVar[str] = "{mend}"
    limit: int
    mend: str | None = None


@mistake
class TooManyTokens(Diagnostic):
    code: ClassVar[str] = "too-many-tokens"
    title: ClassVar[str] = "more than {limit:,} words and signs in one file"
    label: ClassVar[str] = "reading stopped here"
    limit: int


def read(path: str | os.PathLike[str], limits: Limits = LIMITS) -> Source:
    """The text of a file, read up to the limit alone.

    Raises SpecError for a file that cannot be read, is too long, or is not UTF-8 text.
    """
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(limits.bytes + 1)
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise SpecError(UnreadableFile(path=name, reason=reason, similar=_similar(Path(path)))) from None
    return decoded(name, data, limits)


def _similar(path: Path) -> str | None:
    return nearest(path.name, (spec.name for spec in path.parent.glob("*.dl") if spec.name != path.name))


def decoded(name: str, data: bytes, limits: Limits = LIMITS) -> Source:
    """The text in these bytes. Raises SpecError where they are too many, or are not UTF-8 text."""
    if len(data) > limits.bytes:
        raise SpecError(FileTooLong(name=name, limit=limits.bytes))
    data = data.removeprefix(BOM_UTF8)
    try:
        return Source(name, data.decode())
    except UnicodeDecodeError as error:
        good = len(data[: error.start].decode())
        shown = Source(name, data.decode(errors="replace"))
        raise SpecError(NotUtf8(span=Span(shown, good, good + 1), byte=data[error.start])) from None


def excess(source: Source, limits: Limits) -> Diagnostic | None:
    """The first limit that a text goes over, found in one pass over it."""
    text = source.text
    if len(text) > limits.bytes or len(text.encode("utf-8", "surrogatepass")) > limits.bytes:
        return FileTooLong(name=source.name, limit=limits.bytes)
    return _control_character(source) or _long_line(source, limits.line) or _overgrown(source, limits)


# A carriage return belongs in front of a newline alone.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")


def _control_character(source: Source) -> Diagnostic | None:
    found = CONTROL.search(source.text)
    return found and ControlCharacter(span=Span(source, *found.span()), number=ord(found[0]))


def _long_line(source: Source, limit: int) -> Diagnostic | None:
    start = 0
    for line in source.text.split("\n"):
        if len(line) > limit:
            span = Span(source, start + limit, start + limit + 1)
            return LineTooLong(span=span, length=len(line), limit=limit)
        start += len(line) + 1
    return None


def _overgrown(source: Source, limits: Limits) -> Diagnostic | None:
    """Too many tokens or too deep a nesting; a bracket that is never closed is a mistake and no nesting."""
    depth = 0
    closed = partners(source.text)
    closers = set(closed.values())
    for count, piece in enumerate(pieces(source.text), 1):
        match piece.lastgroup:
            case "open":
                depth += piece.start() in closed
            case "close":
                depth -= piece.start() in closers
            case "brace":
                depth = depth + 1 if piece[0] == "{" else max(0, depth - 1)
        if depth > limits.nesting:
            return TooDeep(span=Span(source, *piece.span()), limit=limits.nesting)
        if count > limits.tokens:
            return TooManyTokens(span=Span(source, *piece.span()), limit=limits.tokens)
    return None
