"""What the verbs print with: text that every terminal can show, JSON, and errors."""

import json
import os
import sys
from codecs import register_error
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from math import isfinite
from typing import Any

from deltaplan.diagnostics import DeltaplanError, Diagnostic, as_data, in_order, render

PLAIN = "deltaplan.plain"  # the error handler of our streams: what they cannot show is written in ASCII


def use_plain_letters() -> None:
    """What standard output and error cannot encode is written in plain letters, whoever prints it."""
    register_error(PLAIN, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=PLAIN)


def _plain(error: UnicodeError) -> tuple[str, int]:
    from deltaplan.diagnostics.letters import ascii

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return ascii(error.object[error.start : error.end]), error.end


@contextmanager
def flushed() -> Iterator[None]:
    """Writes out what was printed; a reader that has gone (`| head`) is no mistake."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str = "") -> None:
    """Prints to standard output, in ASCII where the terminal has no more."""
    print(shown(text, sys.stdout.encoding))


def shown(text: str, encoding: str | None) -> str:
    """The text as an output of this encoding can show it: as it is, or all of it in plain letters."""
    from deltaplan.diagnostics.letters import ascii

    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return ascii(text)
    return text


def say_data(text: str) -> None:
    """Data to standard output: UTF-8 as in a file, so that no name is changed; a terminal gets what it has
    letters for."""
    if sys.stdout.isatty():
        say(text.rstrip("\n"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())


def say_json(data: Any) -> None:
    print(json.dumps(data, indent=2, allow_nan=False))


def report(error: DeltaplanError, as_json: bool) -> None:
    """Prints the mistakes to standard error, or as JSON to standard output."""
    if as_json:
        say_json({"ok": False, "diagnostics": diagnostics_data(error.diagnostics)})
        return
    text = "\n".join(render(d) for d in in_order(error.diagnostics))
    errors = sum(d.severity == "error" for d in error.diagnostics)
    if errors > 1:
        text += f"\n{errors} mistakes"
    print(shown(text, sys.stderr.encoding), file=sys.stderr)


def warn(warnings: tuple[Diagnostic, ...]) -> None:
    """Prints warnings to standard error."""
    for warning in in_order(warnings):
        print(shown(render(warning), sys.stderr.encoding), file=sys.stderr)


def diagnostics_data(diagnostics: tuple[Diagnostic, ...]) -> list[dict[str, Any]]:
    return [as_data(d) for d in in_order(diagnostics)]


def table(rows: list[tuple[str, ...]], right: frozenset[int] = frozenset()) -> str:
    """Columns of text two spaces apart; those of `right` are flush right. The first row is the head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def scores_table(parts: Mapping[str, Mapping[str, float]]) -> str:
    """A line for each part with its loss and metrics."""
    names = list(dict.fromkeys(name for scores in parts.values() for name in scores))
    rows = [
        (part, *(f"{scores[name]:.4g}" if name in scores else "" for name in names))
        for part, scores in parts.items()
    ]
    return table([("part", *names), *rows], right=frozenset(range(1, len(names) + 1)))


def finite(data: Any) -> Any:
    """The data with None for NaN and infinity, which JSON lacks."""
    match data:
        case dict():
            return {name: finite(value) for name, value in data.items()}
        case list():
            return [finite(value) for value in data]
        case float():
            return data if isfinite(data) else None
        case _:
            return data
