"""The blanks between two tokens of a line in normal form."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from lark import Token

from deltaplan.dsl.printer import SPACED
from deltaplan.dsl.tree import Call, Line, Name, Option, Spec

# What begins and what ends an operand; two of them side by side are two items of a line.
BEGINNINGS = frozenset({"NAME", "NUMBER", "STRING", "CALL", "LPAR", "LSQB", "_FROM"})
ENDINGS = frozenset({"NAME", "NUMBER", "STRING", "RPAR", "RSQB"})
TIGHT_BEHIND = frozenset({"CALL", "LPAR", "LSQB", "CARET", "_DOTS"})
TIGHT_IN_FRONT = frozenset({"RPAR", "RSQB", "COMMA", "SEMICOLON", "CARET", "_DOTS"})
AS_WRITTEN = frozenset({"STAR", "SLASH", "SLASHES", "_X"})  # tight, or one blank on either side


class Spacing:
    """What the tree of a text tells about its tokens: a sign's blanks depend on what it is for."""

    def __init__(self, text: str, tokens: list[Token], spec: Spec) -> None:
        lines = list(_lines(spec.lines))
        named = _names_before_spaced_equals(lines)
        self._text = text
        self._heads = {line.head.span.end for line in lines if line.head is not None}
        self._spaced = _declaring(tokens)  # where each `=` stands that has blanks around it
        self._signs: set[int | None] = set()  # where each minus stands that has nothing on its left
        for before, token in pairwise(tokens):
            if token.type == "EQUAL" and before.end_pos in named:
                self._spaced.add(token.start_pos)
            elif token.type == "MINUS" and not self._ends_operand(before):
                self._signs.add(token.start_pos)

    def between(self, before: Token, token: Token) -> str:
        """The blanks between neighbours on a line, or the `; ` between two lines."""
        if before.type in TIGHT_BEHIND or token.type in TIGHT_IN_FRONT or before.start_pos in self._signs:
            return ""
        for sign in (before, token):
            if sign.type == "EQUAL":
                return " " if sign.start_pos in self._spaced else ""
            if sign.type in AS_WRITTEN:
                return "" if self._is_tight(sign) else " "
        return self._between_items(before, token)

    def _between_items(self, before: Token, token: Token) -> str:
        written = self._text[before.end_pos : token.start_pos]
        if ";" in written and before.type != "LBRACE" and token.type != "RBRACE":
            return "; "
        beside = self._ends_operand(before) and token.type in BEGINNINGS
        return "  " if beside and len(written) > 1 else " "

    def _ends_operand(self, token: Token) -> bool:
        """Whether an operand ends here; the head of a line is none: `dense -1`, but `dense w - 1`."""
        return token.type in ENDINGS and token.end_pos not in self._heads

    def _is_tight(self, sign: Token) -> bool:
        around = self._text[(sign.start_pos or 0) - 1] + self._text[sign.end_pos or 0]
        return not any(character in " \t\r\n#" for character in around)


def _lines(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        if line.body:
            yield from _lines(line.body.lines)


def _names_before_spaced_equals(lines: list[Line]) -> set[int | None]:
    """Where the targets, the params and the keys of definitions end."""
    found: set[int | None] = {line.target.span.end for line in lines if line.target is not None}
    for line in lines:
        spaced = isinstance(line.head, Name) and line.head.text in SPACED
        options = [item for item in line.items if isinstance(item, Option)]
        found |= {option.key.span.end for option in options if spaced or isinstance(option.key, Call)}
    return found


def _declaring(tokens: list[Token]) -> set[int | None]:
    """Where each `=` stands behind the `;` of a call, which gives a default: `snake(u; a = 1.0)`."""
    found: set[int | None] = set()
    brackets: list[bool] = []  # the open ones: whether `;` has come
    for token in tokens:
        match token.type:
            case "CALL" | "LPAR" | "LSQB":
                brackets.append(False)
            case "RPAR" | "RSQB":
                brackets.pop()
            case "SEMICOLON":
                brackets[-1] = True
            case "EQUAL" if any(brackets[-1:]):
                found.add(token.start_pos)
    return found
