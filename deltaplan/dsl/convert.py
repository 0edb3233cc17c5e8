"""From the parser's tree to ours, bottom-up and without recursion: a sum may be thousands deep."""

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

    def spec(self, tree: Tree[Token]) -> Spec:
        for subtree in tree.iter_subtrees():
            self._made[id(subtree)] = self._node(subtree)
        return Spec(tuple(self._parts(tree)), self.source)

    def _parts(self, tree: Tree[Token]) -> list[Any]:
        """What became of the children; a token stays what it is."""
        return [self._made[id(c)] if isinstance(c, Tree) else c for c in tree.children]

    def _node(self, tree: Tree[Token]) -> Any:
        match tree.data:
            case "start":
                return None
            case "line":
                return self._line(tree)
            case "body":
                return Body(tuple(self._parts(tree)), self._span(tree))
        parts = self._parts(tree)
        if BROKEN in parts or self._too_deep(tree):
            return BROKEN
        return self._piece(tree, parts)

    def _piece(self, tree: Tree[Token], parts: list[Any]) -> Any:
        span = self._span(tree)
        match tree.data, parts:
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
            case "call", [opening, *items, tuple(after)]:
                return self._call(opening, items, after, span)
            case "call", [opening, *items]:
                return self._call(opening, items, (), span)
            case "unary", [op, operand]:
                return Unary(str(op), operand, span)
            case "binary", [left, op, right]:
                return Binary(str(op), left, right, span)
            case "values", items:
                return Values(tuple(items), span)
            case "list", items:
                return List(tuple(items), span)
            case "times", factors:
                return Times(tuple(factors), span)
            case "range", [first, last]:
                return self._range(first, last, span)
            case "after", items:
                return tuple(items)
            case "source", words:
                return tuple(Name(str(word), self._at(word)) for word in words)
        raise AssertionError(f"the grammar has no {tree.data}")

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
        span, body = self._span_of_line(tree), frame.get("body")
        if "BROKEN" in frame or BROKEN in items or BROKEN in frame.values():
            return Line(None, None, (), (), body, span, broken=True)
        target, head, sources = frame.get("target"), frame.get("head"), frame.get("source", ())
        return Line(target, head, tuple(items), sources, body, span)

    def _span_of_line(self, tree: Tree[Token]) -> Span:
        """From the first piece to the last before the body, parentheses included."""
        last = [c for c in tree.children if not (isinstance(c, Tree) and c.data == "body")][-1]
        meta = last.meta if isinstance(last, Tree) else last
        end = getattr(meta, "container_end_pos", meta.end_pos)
        return Span(self.source, tree.meta.start_pos, end or 0)

    def _too_deep(self, tree: Tree[Token]) -> bool:
        """Whether this is the first node to stand too high; those over it are broken already."""
        below = (self._heights[id(c)] for c in tree.children if isinstance(c, Tree))
        height = self._heights[id(tree)] = 1 + max(below, default=0)
        if height <= self.limits.nesting:
            return False
        mend = "give parts of it names with `param`"
        self.mistakes.add(TooDeep(span=self._span(tree), limit=self.limits.nesting, mend=mend))
        return True

    def _span(self, tree: Tree[Token]) -> Span:
        return Span(self.source, tree.meta.start_pos, tree.meta.end_pos)

    def _at(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)
