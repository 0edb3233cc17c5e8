"""From the tree back to text, in one normal form: parsing what is printed gives the same tree."""

import re
from enum import IntEnum

from deltaplan.dsl.tree import (
    Binary,
    Call,
    Line,
    List,
    Name,
    Number,
    Option,
    Range,
    Spec,
    Text,
    Times,
    Unary,
    Value,
    Values,
)


class Level(IntEnum):
    """How tightly a value binds, as in the grammar."""

    COMPARISON = 0
    TIMES = 1
    SUM = 2
    PRODUCT = 3
    UNARY = 4
    POWER = 5
    ATOM = 6


# The level of an operator's result, of its left and of its right side, and its own text.
OPERATORS = {
    **{
        op: (Level.COMPARISON, Level.TIMES, Level.TIMES, f" {op} ")
        for op in ("<=", ">=", "<", ">", "==", "!=")
    },
    **{op: (Level.SUM, Level.SUM, Level.PRODUCT, f" {op} ") for op in "+-"},
    **{op: (Level.PRODUCT, Level.PRODUCT, Level.UNARY, op) for op in ("*", "/", "//")},
    "^": (Level.POWER, Level.ATOM, Level.UNARY, "^"),
}
INDENT = "    "
SPACED = frozenset({"param"})  # heads whose options are written `name = value`

# What would be read as the `x` of a repeat, or as a difference, where an operand stands before it.
NO_BEGINNING = re.compile(r"-|x(?=[ \t]*[0-9(]|[ \t]+[A-Za-z_]|$)")
AFTER_X = re.compile(r"[0-9(A-Za-z_]")


def value_text(value: Value) -> str:
    """A value with the parentheses that it needs and no others."""
    return _at_least(value, Level.COMPARISON)


def line_text(line: Line, depth: int = 0) -> str:
    """A line and its body, `depth` braces deep, with its comment; a broken line is printed as it was
    written."""
    margin = INDENT * depth
    header = line.span.text if line.broken else " ".join(_pieces(line))
    comment = f"  # {line.comment}" if line.comment else ""
    if line.body is None:
        return margin + header + comment
    inner = [line_text(inner, depth + 1) for inner in line.body.lines]
    opening = f"{header.removesuffix(' ')} {{" if header else "{"
    return "\n".join([margin + opening + comment, *inner, f"{margin}}}"])


def spec_text(spec: Spec) -> str:
    """A whole file; lines with a body stand apart."""
    parts: list[str] = []
    for index, line in enumerate(spec.lines):
        if index and (line.body or spec.lines[index - 1].body):
            parts.append("")
        parts.append(line_text(line))
    return "".join(f"{part}\n" for part in parts)


def option_text(option: Option, spaced: bool = False) -> str:
    equals = " = " if spaced or isinstance(option.key, Call) else "="
    return f"{value_text(option.key)}{equals}{_at_least(option.value, Level.TIMES)}"


def _pieces(line: Line) -> list[str]:
    pieces = [] if line.target is None else [f"{line.target.text} ="]
    if line.head is not None:
        pieces.append(value_text(line.head))
    spaced = isinstance(line.head, Name) and line.head.text in SPACED
    # The lexer takes `x` after a call at the head for a repeat, as it does after any operand.
    alone = not isinstance(line.head, Call)
    pieces += [_item_text(item, alone and i == 0, spaced) for i, item in enumerate(line.items)]
    if line.sources:
        pieces.append("from " + ", ".join(name.text for name in line.sources))
    return pieces


def _item_text(item: Value | Values | Option, first: bool, spaced: bool) -> str:
    match item:
        case Option():
            return option_text(item, spaced)
        case Values(items):
            begin = value_text(items[0]) if first else _beside(items[0])
            return ", ".join([begin, *map(value_text, items[1:])])
        case _:
            return value_text(item) if first else _beside(item)


def _beside(value: Value) -> str:
    """A value that stands after an operand, with only spaces between."""
    text = _at_least(value, Level.TIMES)
    return f"({text})" if NO_BEGINNING.match(text) else text


def _at_least(value: Value, level: Level) -> str:
    text, own = _written(value)
    return text if own >= level else f"({text})"


def _written(value: Value) -> tuple[str, Level]:
    match value:
        case Number():
            text = value.text or repr(value.value)
            return text, Level.UNARY if text.startswith("-") else Level.ATOM
        case Text(content):
            return f'"{content}"', Level.ATOM
        case Name(text):
            return text, Level.ATOM
        case Call():
            return _call_text(value), Level.ATOM
        case List(items):
            return f"[{', '.join(map(value_text, items))}]", Level.ATOM
        case Unary(op, operand):
            return op + _at_least(operand, Level.UNARY), Level.UNARY
        case Binary(op, left, right):
            own, on_left, on_right, sign = OPERATORS[op]
            return _at_least(left, on_left) + sign + _at_least(right, on_right), own
        case Times(factors):
            return _times_text(factors), Level.TIMES
        case Range(first, last):
            return f"{value_text(first)}..{value_text(last)}", Level.ATOM


def _call_text(call: Call) -> str:
    items = ", ".join(map(_argument_text, call.items))
    after = ", ".join(_argument_text(argument, spaced=True) for argument in call.after)
    return f"{call.name}({items}; {after})" if after else f"{call.name}({items})"


def _argument_text(argument: Value | Option, spaced: bool = False) -> str:
    return option_text(argument, spaced) if isinstance(argument, Option) else value_text(argument)


def _times_text(factors: tuple[Value, ...]) -> str:
    texts = [_at_least(factor, Level.SUM) for factor in factors]
    if all(text.isdigit() for text in texts):
        return "x".join(texts)
    return " x ".join([texts[0], *(t if AFTER_X.match(t) else f"({t})" for t in texts[1:])])
