"""Draws diagnostics for people (source line and underline) and for machines (JSON data)."""

import unicodedata
from collections.abc import Iterable
from typing import Any

from deltaplan.diagnostics.diagnostic import Diagnostic
from deltaplan.diagnostics.source import Span

WIDEST_LINE = 160  # a longer source line is shown around its span


def render(diagnostic: Diagnostic) -> str:
    """The text of one diagnostic:

    wave.dl:8:26: unknown activation `leakyrelu` [unknown-name]
       8 |     dense hidden x 5, 1  leakyrelu(slope)  residual
         |                          ^^^^^^^^^ similar name: `leaky_relu`
    """
    warning = "warning: " if diagnostic.severity == "warning" else ""
    where = f"{diagnostic.span}: " if diagnostic.span else ""
    lines = [f"{where}{warning}{diagnostic.message} [{diagnostic.code}]"]
    if diagnostic.span:
        lines += excerpt(diagnostic.span, diagnostic.label_text)
    elif diagnostic.label_text:
        lines.append(f"     = {diagnostic.label_text}")
    for note in diagnostic.notes:
        lines.append(f"     = note: {note.text}" + (f" ({note.span})" if note.span else ""))
        if note.span:
            lines += excerpt(note.span, "")
    if diagnostic.help_text:
        lines.append(f"     = help: {diagnostic.help_text}")
    return "\n".join(lines)


def render_all(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics in the order of the file, those without a place last."""
    return "\n".join(render(d) for d in in_order(diagnostics))


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    def key(diagnostic: Diagnostic) -> tuple[bool, str, int]:
        span = diagnostic.span
        return (span is None, span.source.name if span else "", span.start if span else 0)

    return sorted(diagnostics, key=key)


def excerpt(span: Span, label: str) -> list[str]:
    """The source line of a span, and the underline with its label."""
    line, column = span.source.line_at(span.start), span.column - 1
    length = max(1, min(span.end, span.start + len(line) - column) - span.start)
    if len(line) > WIDEST_LINE:
        begin = max(0, column - WIDEST_LINE // 2)
        line, column = line[begin : begin + WIDEST_LINE], column - begin
        length = max(1, min(length, WIDEST_LINE - column))
    before, under = line[:column], line[column : column + length]
    indent = "".join("\t" if c == "\t" else " " * _columns(c) for c in before)
    marks = "^" * max(1, sum(_columns(c) for c in under))
    number = f"{span.line:4}"
    margin = " " * len(number)
    return [f"{number} | {_printable(line)}", f"{margin} | {indent}{marks} {label}".rstrip()]


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """The diagnostic as plain data for `--json`."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "label": diagnostic.label_text or None,
        "help": diagnostic.help_text or None,
        "notes": [{"text": n.text, "span": _span_data(n.span)} for n in diagnostic.notes],
        "span": _span_data(diagnostic.span),
    }


def _span_data(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "start": span.start,
        "end": span.end,
    }


def _columns(character: str) -> int:
    """Terminal columns of a character: 0 for combining marks, 2 for wide ones."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _printable(line: str) -> str:
    return "".join(c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
