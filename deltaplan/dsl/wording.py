"""From the place where the parser stopped to the mistake that a writer made there."""

import re

from deltaplan.diagnostics import Diagnostic, Span
from deltaplan.dsl.characters import CHARACTER_RULES
from deltaplan.dsl.mistakes import (
    BraceOnNextLine,
    CommaBeforeOption,
    CommentMark,
    EqualsForOption,
    MissingValue,
    ReservedWord,
    StrayBracket,
    UnclosedBracket,
    UnexpectedToken,
    WrongBracket,
    quoted,
)
from deltaplan.dsl.pieces import CLOSER
from deltaplan.dsl.stop import BEFORE_VALUE, REPEAT, VALUES, Rule, Stop


def mistake(stop: Stop) -> Diagnostic:
    """What is wrong at a stop: the first rule that knows it says so, and the last one always does."""
    rules = CHARACTER_RULES if stop.found is None else TOKEN_RULES
    return next(told for rule in rules if (told := rule(stop)))


def stray_bracket(stop: Stop) -> Diagnostic | None:
    if stop.kind not in ("RPAR", "RSQB"):
        return None
    closer = stop.rest[0]
    if stop.bracket is None:
        return StrayBracket(span=stop.span(1), bracket=closer)
    opener = stop.bracket[-1]
    if CLOSER[opener] == closer:
        return None
    return WrongBracket(span=stop.span(1), opener=opener, closer=closer, wanted=CLOSER[opener])


def unclosed_bracket(stop: Stop) -> Diagnostic | None:
    if stop.bracket is None or stop.closed:
        return None
    return UnclosedBracket(span=stop.span_of(stop.bracket), bracket=quoted(str(stop.bracket)))


def comment_mark(stop: Stop) -> Diagnostic | None:
    mark = re.match(r"//|/\*", stop.rest)
    return CommentMark(span=stop.span(2), mark=mark[0]) if mark and not stop.before else None


def brace_on_next_line(stop: Stop) -> Diagnostic | None:
    return BraceOnNextLine(span=stop.span(1)) if stop.kind == "LBRACE" and not stop.before else None


def comma_before_option(stop: Stop) -> Diagnostic | None:
    match stop.kinds[-3:]:
        case ["COMMA", "NAME", "EQUAL"]:
            comma, name = stop.before[-2:]
            return CommaBeforeOption(span=stop.span_of(comma), option=quoted(str(name)))
    return None


def equals_for_option(stop: Stop) -> Diagnostic | None:
    return EqualsForOption(span=stop.span(2)) if stop.found == "==" else None


def missing_value(stop: Stop) -> Diagnostic | None:
    last = stop.before[-1] if stop.before else None
    if last is None or last.type not in BEFORE_VALUE or stop.kind in (*VALUES, "_FROM"):
        return None
    wanted = "name" if stop.accepts <= {"NAME"} else "value"
    mend = "a line goes on only inside ( ) and [ ]" if stop.goes_on else None
    if stop.kinds[-2:] == ["STAR", "STAR"]:
        mend = "a power is `a^b`"
    return MissingValue(span=stop.span_of(last), wanted=wanted, before=quoted(str(last)), mend=mend)


def reserved_word(stop: Stop) -> Diagnostic | None:
    match stop.kinds[-2:]:
        case ["_FROM"]:
            return ReservedWord(span=stop.span(4), word="from")
        case [before, "_FROM"] if before in BEFORE_VALUE:
            return ReservedWord(span=stop.span(4), word="from")
        case ["_FROM", "EQUAL"]:
            return ReservedWord(span=stop.span_of(stop.before[-1]), word="from")
    return None


def range_elsewhere(stop: Stop) -> Diagnostic | None:
    if stop.kind != "_DOTS":
        return None
    mend = REPEAT if stop.loops else "a range stands in a sweep: `seed = 0..9`"
    return UnexpectedToken(span=stop.span(2), found="`..`", expected=mend)


def unexpected_token(stop: Stop) -> Diagnostic:
    if stop.kind == "_SEP" and not stop.rest.startswith(";"):
        at = stop.before[-1].end_pos if stop.before else stop.at
        span, found = Span(stop.source, at or 0, at or 0), "end of the line"
    else:
        word = re.match(r"\w*", stop.rest)
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
