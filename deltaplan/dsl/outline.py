"""The tree as an outline for people: every node, where it stands and what it holds."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from deltaplan.diagnostics import Source, Span
from deltaplan.dsl.tree import (
    Binary,
    Body,
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

WIDTH = 80
Node = Line | Option | Value | Values | Body
Row = tuple[int, str, Span]  # depth, what the node is, where it stands


def tree_text(spec: Spec) -> str:
    """One row a node: line and column, the kind under its parent, and what it holds."""
    starts = _line_starts(spec.source)
    rows = [row for line in spec.lines for row in _line_rows(line, 0)]
    shown = [(_place(starts, span.start), "  " * depth + text) for depth, text, span in rows]
    wide = max((len(place) for place, _ in shown), default=0)
    return "\n".join(_cut(f"{place:<{wide}}  {text}") for place, text in shown)


def _line_rows(line: Line, depth: int) -> Iterator[Row]:
    yield depth, _line_label(line), line.span
    if isinstance(line.head, Call):
        yield from _rows(line.head, depth + 1)
    for item in line.items:
        yield from _rows(item, depth + 1)
    for name in line.sources:
        yield depth + 1, f"from {name.text}", name.span
    for inner in line.body.lines if line.body else ():
        yield from _line_rows(inner, depth + 1)


def _line_label(line: Line) -> str:
    target = f" {line.target.text} =" if line.target else ""
    head = f" {line.head.text}" if isinstance(line.head, Name) else ""
    return "broken line" if line.broken else f"line{target}{head}"


def _rows(node: Option | Value | Values, depth: int) -> Iterator[Row]:
    label, children = _content(node)
    yield depth, label, node.span
    for child in children:
        yield from _rows(child, depth + 1)


def _content(node: Option | Value | Values) -> tuple[str, tuple[Option | Value, ...]]:
    """What a node says of itself, and what stands below it."""
    match node:
        case Number():
            scaled = "" if node.text == str(node.value) else f" = {node.value!r}"
            return f"number {node.text}{scaled}", ()
        case Text(value):
            return f'text "{value}"', ()
        case Name(text):
            return f"name {text}", ()
        case Call(name, items, after):
            return f"call {name}", items + after
        case Option(Name(key), value):
            return f"option {key}", (value,)
        case Option(key, value):
            return "definition", (key, value)
        case Unary(op, operand):
            return f"unary {op}", (operand,)
        case Binary(op, left, right):
            return f"binary {op}", (left, right)
        case Range(first, last):
            return "range", (first, last)
        case List(items) | Values(items) | Times(items):
            return type(node).__name__.lower(), items


def _line_starts(source: Source) -> list[int]:
    return [0, *accumulate(len(line) + 1 for line in source.text.split("\n"))]


def _place(starts: list[int], offset: int) -> str:
    line = bisect_right(starts, offset)
    return f"{line}:{offset - starts[line - 1] + 1}"


def _cut(row: str) -> str:
    return row if len(row) <= WIDTH else row[: WIDTH - 1] + "…"
