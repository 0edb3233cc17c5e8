"""From the place where the parser stopped to the mistake that a writer made there."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lark import Token

from deltaplan.diagnostics import Diagnostic, Source, Span
from deltaplan.dsl.mistakes import (
    BraceOnNextLine,
    ColonForOption,
    CommaBeforeOption,
    CommentMark,
    EqualsForOption,
    MissingBraces,
    MissingValue,
    NumberRunsOn,
    ReservedWord,
    SingleQuotes,
    StrayBracket,
    UnclosedBracket,
    UnclosedString,
    UnexpectedCharacter,
    UnexpectedToken,
    WrongBracket,
    quoted,
)
from deltaplan.dsl.pieces import CLOSER

VALUES = frozenset({"NUMBER", "NAME", "STRING", "CALL", "LPAR", "LSQB", "MINUS"})
BEFORE_VALUE = frozenset(
    {"EQUAL", "COMMA", "PLUS", "MINUS", "STAR", "SLASH", "SLASHES", "CARET", "CMP"}
    | {"_X", "_FROM", "_DOTS", "LPAR", "CALL", "LSQB", "SEMICOLON"}
)


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stopped: at a token that does not fit, or at a character that begins none."""

    source: Source
    at: int
    found: Token | None
    before: tuple[Token, ...]  # of this line, the last one last
    accepts: frozenset[str]
    bracket: Token | None  # the innermost one that is open
    closed: bool  # whether something later closes it

    @property
    def rest(self) -> str:
        """The line from here on."""
        end = self.source.text.find("\n", self.at)
        return self.source.text[self.at : len(self.source.text) if end < 0 else end].rstrip()

    @property
    def goes_on(self) -> bool:
        """Whether the writer meant the next line to belong to this one."""
        if self.found is None:
            return self.rest == "\\"
        if self.found.type != "_SEP" or not self.before:
            return False
        return self.before[-1].type in BEFORE_VALUE - {"EQUAL", "_FROM"}

    def span(self, length: int) -> Span:
        return Span(self.source, self.at, self.at + length)

    def span_of(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)


Rule = Callable[[Stop], Diagnostic | None]


def mistake(stop: Stop) -> Diagnostic:
    """What is wrong at a stop: the first rule that knows it says so."""
    rules = CHARACTER_RULES if stop.found is None else TOKEN_RULES
    return next(_told(rules, stop))


def _told(rules: tuple[Rule, ...], stop: Stop) -> Iterator[Diagnostic]:
    for rule in rules:
        if told := rule(stop):
            yield told


# ---- at a character that begins no token


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
    digits, word = re.fullmatch(r"([0-9.]*[0-9.](?:[eE][+-]?[0-9]+)?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if re.fullmatch(r"[0-9_]+", text):
        return f"digits are not grouped: `{quoted(text.replace('_', ''))}`"
    if digits.count(".") > 1:
        return "a number has one decimal point"
    if digits.endswith("."):
        return f"a digit follows the decimal point: `{quoted(digits)}0`"
    if re.fullmatch(r"[kKmMgGtT]?i?[bB]?|%+", word):
        return "the units are `%`, `k`, `M`, `G`, `B`, `kB`, `MB` and `GB`"
    return f"leave a space: `{quoted(digits)} {quoted(word)}`"


def colon(stop: Stop) -> Diagnostic | None:
    if not stop.rest.startswith(":"):
        return None
    if stop.bracket is None and re.fullmatch(r":\s*(#.*)?", stop.rest):
        return MissingBraces(span=stop.span(1))
    return ColonForOption(span=stop.span(1))


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
    if re.match(r"\.[0-9]", rest):
        return f"a digit stands before the decimal point: `0{re.match(r'[.0-9]+', rest)[0]}`"  # type: ignore[index]
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


# ---- at a token that does not fit


def stray_bracket(stop: Stop) -> Diagnostic | None:
    assert stop.found is not None
    if stop.found.type not in ("RPAR", "RSQB"):
        return None
    if stop.bracket is None:
        return StrayBracket(span=stop.span(1), bracket=str(stop.found))
    opener = stop.bracket[-1]
    if CLOSER[opener] == stop.found:
        return None
    return WrongBracket(span=stop.span(1), opener=opener, closer=str(stop.found), wanted=CLOSER[opener])


def unclosed_bracket(stop: Stop) -> Diagnostic | None:
    if stop.bracket is None or stop.closed:
        return None
    return UnclosedBracket(span=stop.span_of(stop.bracket), bracket=quoted(str(stop.bracket)))


def comment_mark(stop: Stop) -> Diagnostic | None:
    mark = re.match(r"//|/\*", stop.rest)
    return CommentMark(span=stop.span(2), mark=mark[0]) if mark and not stop.before else None


def brace_on_next_line(stop: Stop) -> Diagnostic | None:
    assert stop.found is not None
    return BraceOnNextLine(span=stop.span(1)) if stop.found.type == "LBRACE" and not stop.before else None


def comma_before_option(stop: Stop) -> Diagnostic | None:
    match [t.type for t in (*stop.before[-2:], stop.found) if t is not None]:
        case ["COMMA", "NAME", "EQUAL"]:
            comma, name = stop.before[-2:]
            return CommaBeforeOption(span=stop.span_of(comma), option=quoted(str(name)))
    return None


def equals_for_option(stop: Stop) -> Diagnostic | None:
    return EqualsForOption(span=stop.span(2)) if stop.found == "==" else None


def missing_value(stop: Stop) -> Diagnostic | None:
    assert stop.found is not None
    if not stop.before or stop.before[-1].type not in BEFORE_VALUE or stop.found.type in (*VALUES, "_FROM"):
        return None
    last = stop.before[-1]
    wanted = "name" if stop.accepts <= {"NAME"} else "value"
    mend = None
    if stop.found.type == "STAR" and last.type == "STAR":
        mend = "a power is `a^b`"
    elif stop.goes_on:
        mend = "a line goes on only inside ( ) and [ ]"
    return MissingValue(span=stop.span_of(last), wanted=wanted, before=quoted(str(last)), mend=mend)


def reserved_word(stop: Stop) -> Diagnostic | None:
    match [t.type for t in (*stop.before[-1:], stop.found) if t is not None]:
        case ["_FROM"]:
            return ReservedWord(span=stop.span(4), word="from")
        case [before, "_FROM"] if before in BEFORE_VALUE:
            return ReservedWord(span=stop.span(4), word="from")
        case ["_FROM", "EQUAL"]:
            return ReservedWord(span=stop.span_of(stop.before[-1]), word="from")
    return None


def range_elsewhere(stop: Stop) -> Diagnostic | None:
    assert stop.found is not None
    if stop.found.type != "_DOTS":
        return None
    return UnexpectedToken(
        span=stop.span(2), found="`..`", expected="a range stands in a sweep: `seed = 0..9`"
    )


def unexpected_token(stop: Stop) -> Diagnostic:
    assert stop.found is not None
    if stop.found.type == "_SEP" and stop.found != ";":
        at = stop.before[-1].end_pos if stop.before else stop.at
        span, found = Span(stop.source, at or 0, at or 0), "end of the line"
    else:
        word = re.compile(r"\w*").match(stop.source.text, stop.at)
        text = (word and word[0]) or str(stop.found)
        span, found = stop.span(len(text)), f"`{quoted(text)}`"
    return UnexpectedToken(span=span, found=found, expected=expected(stop))


def expected(stop: Stop) -> str:
    """What could stand instead, in a writer's words."""
    if not stop.before:
        return "a line begins with a word"
    accepts = stop.accepts
    match (accepts & {"_SEP", "RPAR", "RSQB"}, accepts & VALUES):
        case ends, values if ends == {"_SEP"} and values:
            return "expected a word, an option or the end of the line"
        case ends, _ if ends == {"_SEP"}:
            return _or(accepts, {"COMMA": "`,`", "LBRACE": "`{`"}, "the end of the line")
        case ends, _ if ends == {"RPAR"}:
            return _or(accepts, {"COMMA": "`,`"}, "`)`")
        case ends, _ if ends == {"RSQB"}:
            return _or(accepts, {"COMMA": "`,`"}, "`]`")
        case _, values if values == {"NAME"}:
            return "expected a name"
        case _, values if values == {"NUMBER"}:
            return "expected a number"
        case _, values if "LPAR" not in values:
            return "expected a word, a number, a string or a list"
    return "expected a value"


def _or(accepts: frozenset[str], words: dict[str, str], last: str) -> str:
    first = [word for terminal, word in words.items() if terminal in accepts]
    return f"expected {', '.join(first)} or {last}" if first else f"expected {last}"


TOKEN_RULES: tuple[Rule, ...] = (
    stray_bracket,
    comment_mark,
    brace_on_next_line,
    unclosed_bracket,
    comma_before_option,
    equals_for_option,
    reserved_word,
    missing_value,
    range_elsewhere,
    unexpected_token,
)
