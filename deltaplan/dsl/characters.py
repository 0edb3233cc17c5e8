"""Mistakes at a character that begins no token."""

import re
from itertools import takewhile

from deltaplan.diagnostics import Diagnostic, Span
from deltaplan.dsl.mistakes import (
    ColonForOption,
    MissingBraces,
    NumberRunsOn,
    SingleQuotes,
    UnclosedString,
    UnexpectedCharacter,
    quoted,
)
from deltaplan.dsl.stop import REPEAT, Rule, Stop


def unclosed_string(stop: Stop) -> Diagnostic | None:
    return UnclosedString(span=stop.span(len(stop.rest))) if stop.rest.startswith('"') else None


def single_quotes(stop: Stop) -> Diagnostic | None:
    if not stop.rest.startswith("'"):
        return None
    content, closed, _ = stop.rest[1:].partition("'")
    if not closed:
        return SingleQuotes(span=stop.span(1), content="…")
    return SingleQuotes(span=stop.span(len(content) + 2), content=quoted(content))


def number_runs_on(stop: Stop) -> Diagnostic | None:
    begin = stop.at
    if stop.rest.startswith(".") and stop.before and stop.before[-1].type == "NUMBER":
        begin = stop.before[-1].start_pos or 0
    found = re.compile(r"[0-9][\w.%]*").match(stop.source.text, begin)
    if not found:
        return None
    span, text = Span(stop.source, *found.span()), found[0]
    return NumberRunsOn(span=span, text=quoted(text), mend=_number_mend(text))


def _number_mend(text: str) -> str:
    digits = "".join(takewhile(lambda character: character in "0123456789.", text))
    word = text[len(digits) :]
    if re.fullmatch(r"[0-9_]+", text):
        return f"digits are not grouped: `{quoted(text.replace('_', ''))}`"
    if digits.count(".") > 1:
        return "a number has one decimal point"
    if digits.endswith("."):
        return f"a digit follows the decimal point: `{quoted(digits)}0`"
    if re.fullmatch(r"[kKmMgGtT]?i?[bB]?|%+", word):
        return "the units are `%`, `k`, `M`, `G`, `B`, `kB`, `MB` and `GB`"
    if re.match(r"[eE][0-9]", word):
        return "an exponent and a unit do not go together"
    return f"leave a space: `{quoted(digits)} {quoted(word)}`"


def colon(stop: Stop) -> Diagnostic | None:
    if not stop.rest.startswith(":"):
        return None
    if stop.bracket is None and re.fullmatch(r":\s*(#.*)?", stop.rest):
        return MissingBraces(span=stop.span(1), mend=REPEAT if stop.loops else BRACES)
    if len(stop.before) == 1 and stop.bracket is None:
        return ColonForOption(
            span=stop.span(1), mend=f"write `{stop.before[0]} {quoted(stop.rest[1:].strip())}`"
        )
    return ColonForOption(span=stop.span(1))


BRACES = "the lines that belong to it stand in `{ }`"
MENDS = {
    "%": "a unit stands right after its number: `80%`",
    "\\": "a line goes on only inside ( ) and [ ]",
    "!": 'write `!=` for "not equal"',
    ".": "a dot stands inside of a number or a name: `0.5`, `use.conv1`",
    "\N{NO-BREAK SPACE}": "use a plain space",
    "\N{ZERO WIDTH SPACE}": "take it out",
} | {
    wrong: f"write `{right}`"
    for right, wrongs in {
        '"': "“”„«»",
        "'": "‘’",
        "-": "‐‑‒–—−",
        "x": "×",
        "*": "·",
        "/": "÷",
        "<=": "≤",
        ">=": "≥",
        "!=": "≠",
        "^2": "²",
        "^3": "³",
    }.items()
    for wrong in wrongs
}


def unexpected_character(stop: Stop) -> Diagnostic:
    character = stop.source.text[stop.at]
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    return UnexpectedCharacter(span=stop.span(1), character=shown, mend=_character_mend(stop.rest))


def _character_mend(rest: str) -> str | None:
    if fraction := re.match(r"\.[0-9]+", rest):
        return f"a digit stands before the decimal point: `0{quoted(fraction[0])}`"
    if rest[:1].isalnum() and rest[0] not in MENDS:
        return "names are made of the letters a to z, digits and `_`"
    return MENDS.get(rest[:1])


CHARACTER_RULES: tuple[Rule, ...] = (
    unclosed_string,
    single_quotes,
    number_runs_on,
    colon,
    unexpected_character,
)
