"""What the verbs print with: text that every terminal can show, JSON, and errors."""

import json
import sys
from collections.abc import Mapping
from math import isfinite
from typing import Any

from deltaplan.diagnostics import DeltaplanError, Diagnostic, as_data, in_order, render

PLAIN: dict[str, str | int | None] = {
    "δ": "delta", "∂": "d", "Σ": "sum", "⊙": "*", "ᵀ": "^T", "θ": "theta", "Ω": "Omega", "ℓ": "loss",
    "σ": "sigma", "λ": "lambda", "‖": "|", "½": "1/2", "²": "^2", "√": "sqrt", "←": "<-", "→": "->",
    "·": ".", "…": "...", "×": "x", "≤": "<=", "≥": ">=", "±": "+-", "′": "'", "ŷ": "y^", "—": "-",
    "–": "-", "─": "-", "│": "|", "├": "+", "└": "+", "┌": "+", "┐": "+", "┘": "+", "┤": "+", "┬": "+",
    "┴": "+", "┼": "+", "⊕": "+", "∞": "inf", "∈": "in", "₁": "1", "₂": "2",
}  # fmt: skip


def say(text: str = "") -> None:
    """Prints to standard output, in ASCII where the terminal has no more."""
    print(shown(text, sys.stdout.encoding))


def shown(text: str, encoding: str | None) -> str:
    """The text as an output of this encoding can show it."""
    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return text.translate(str.maketrans(PLAIN)).encode("ascii", "replace").decode("ascii")
    return text


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
