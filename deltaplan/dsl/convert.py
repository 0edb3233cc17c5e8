"""From the parser's tree to ours, bottom-up and without recursion: a sum may be thousands deep."""

from collections.abc import Sequence
from typing import Any

from lark import Token, Tree

from deltaplan.diagnostics import Source, Span
from deltaplan.dsl.limits import Limits, TooDeep
from deltaplan.dsl.mistakes import Mistakes, NumberOutOfRange, quoted
from deltaplan.dsl.numbers import number_value
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
    Values,
)

FRAME = frozenset({"target", "head", "source", "body", "BROKEN"})  # all that is no item of a line
BROKEN = object()  # stands for what was read but cannot be kept: the line that holds it is broken


def convert(tree: Tree[Token], source: Source, limits: Limits, mistakes: Mistakes) -> Spec:
    """The spec of a parser's tree; mistakes are numbers out of range and expressions that are too deep."""
    return Conversion(source, limits, mistakes).spec(tree)


class Conversion:
    """The tree of one text on its way: a node is made when all its children are."""

    def __init__(self, source: Source, limits: Limits, mistakes: Mistakes) -> None:
        self.source = source
        self.limits = limits
        self.mistakes = mistakes
        self._made: dict[int, Any] = {}
        self._heights: dict[int, int] = {}
        self._spans: dict[int, Span] = {}  # with the parentheses around them

    def spec(self, tree: Tree[Token]) -> Spec:
        for subtree in tree.iter_subtrees():
            if subtree.children:
                self._spans[id(subtree)] = self._span_of(subtree.children)
            self._made[id(subtree)] = self._node(subtree)
        return Spec(tuple(self._parts(tree)), self.source)

    def _parts(self, tree: Tree[Token]) -> list[Any]:
        """What became of the children; a token stays what it is."""
        return [self._made[id(c)] if isinstance(c, Tree) else c for c in tree.children]

    def _node(self, tree: Tree[Token]) -> Any:
        kind = str(tree.data)  # a token is slow to compare
        match kind:
            case "start":
                return None
            case "line":
                return self._line(tree)
            case "body":
                return Body(tuple(self._parts(tree)[1:-1]), self._spans[id(tree)])
        parts = self._parts(tree)
        if any(part is BROKEN for part in parts) or self._too_deep(kind, tree):
            return BROKEN
        return self._piece(kind, parts, self._spans[id(tree)])

    def _piece(self, kind: str, parts: list[Any], span: Span) -> Any:
        match kind, parts:
            case "name", [token]:
                return Name(str(token), span)
            case "number", [token]:
                return self._number(token)
            case "string", [token]:
                return Text(token[1:-1], span)
            case (("head" | "key" | "target"), [Token() as word]):
                return Name(str(word), self._at(word))
            case (("head" | "key"), [call]):
                return call
            case "option", [key, value]:
                return Option(key, value, span)
            case "group", [_, value, _]:
                return value
            case "call", [opening, *items, tuple(after), _]:
                return self._call(opening, items, after, span)
            case "call", [opening, *items, _]:
                return self._call(opening, items, (), span)
            case "unary", [op, operand]:
                return Unary(str(op), operand, span)
            case "binary", [left, op, right]:
                return Binary(str(op), left, right, span)
            case "values", items:
                return Values(tuple(items), span)
            case "list", [_, *items, _]:
                return List(tuple(items), span)
            case "times", factors:
                return Times(tuple(factors), span)
            case "range", [first, last]:
                return self._range(first, last, span)
            case "after", items:
                return tuple(items)
            case "source", words:
                return tuple(Name(str(word), self._at(word)) for word in words)
        raise AssertionError(f"the grammar has no {kind}")

    def _call(self, opening: Token, items: list[Any], after: tuple[Any, ...], span: Span) -> Call:
        name = opening[:-1]
        return Call(name, tuple(items), after, Span(self.source, span.start, span.start + len(name)), span)

    def _number(self, token: Token) -> Any:
        try:
            return Number(number_value(token), str(token), self._at(token))
        except OverflowError as error:
            mistake = NumberOutOfRange(span=self._at(token), text=quoted(token), what=str(error))
        self.mistakes.add(mistake)
        return BROKEN

    def _range(self, first: Token, last: Token, span: Span) -> Any:
        ends = [self._number(first), self._number(last)]
        return BROKEN if BROKEN in ends else Range(ends[0], ends[1], span)

    def _line(self, tree: Tree[Token]) -> Line:
        frame: dict[str, Any] = {}
        items = []
        for child, part in zip(tree.children, self._parts(tree), strict=True):
            kind = child.data if isinstance(child, Tree) else child.type
            if kind in FRAME:
                frame[kind] = part
            else:
                items.append(part)
        body = frame.get("body")
        span = self._span_of(tree.children[:-1] if body else tree.children)
        if "BROKEN" in frame or BROKEN in items or BROKEN in frame.values():
            return Line(None, None, (), (), body, span, broken=True)
        target, head, sources = frame.get("target"), frame.get("head"), frame.get("source", ())
        return Line(target, head, tuple(items), sources, body, span)

    def _too_deep(self, kind: str, tree: Tree[Token]) -> bool:
        """Whether this is the first node to stand too high; those over it are broken already."""
        below = (self._heights[id(c)] for c in tree.children if isinstance(c, Tree))
        height = self._heights[id(tree)] = (kind != "group") + max(below, default=0)
        if height <= self.limits.nesting:
            return False
        mend = "give parts of it names with `param`"
        self.mistakes.add(TooDeep(span=self._spans[id(tree)], limit=self.limits.nesting, mend=mend))
        return True

    def _span_of(self, children: Sequence[Tree[Token] | Token]) -> Span:
        first, last = (
            self._at(c) if isinstance(c, Token) else self._spans[id(c)] for c in (children[0], children[-1])
        )
        return Span(self.source, first.start, last.end)

    def _at(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)
