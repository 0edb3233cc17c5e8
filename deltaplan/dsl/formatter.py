"""A text in normal form: words, comments and line breaks stay; blanks, margins and blank lines are set anew.

It works on the tokens, since the tree knows no comments and no line breaks. The same tokens give the same
tree.
"""

import re
from itertools import pairwise

from lark import Token

from deltaplan.diagnostics import Source, SpecError
from deltaplan.dsl.convert import convert
from deltaplan.dsl.limits import LIMITS, excess
from deltaplan.dsl.mistakes import Mistakes
from deltaplan.dsl.printer import INDENT
from deltaplan.dsl.reader import Reader
from deltaplan.dsl.spacing import Spacing
from deltaplan.dsl.tree import Spec
from deltaplan.records import dataclass

OPENERS = frozenset({"CALL", "LPAR", "LSQB", "LBRACE"})
CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})
BETWEEN = re.compile(r"#[^\n]*|\n")


def format_text(source: Source) -> str:
    """The text in normal form; formatting it again changes nothing, and it parses to the same tree.

    Lines are neither broken nor joined, but for braces over several lines: they end and begin one. A comment
    at the end of a line keeps its column where the line leaves it two blanks; comments of neighbouring lines
    in one column stay in one. A text that would grow over the limits of the reader is given back as it is.
    Raises SpecError with every mistake in the syntax.
    """
    tokens, spec = _read(source)
    layout = Layout(source.text, tokens, Spacing(source.text, tokens, spec))
    text = _text(layout.rows(), "\r\n" if re.match(r"[^\n]*\r\n", source.text) else "\n")
    return source.text if excess(Source(source.name, text), LIMITS) else text


def _read(source: Source) -> tuple[list[Token], Spec]:
    if over := excess(source, LIMITS):
        raise SpecError(over)
    mistakes = Mistakes()
    reader = Reader(source, mistakes)
    spec = convert(reader.read(), source, LIMITS, mistakes)
    if found := mistakes.all():
        raise SpecError(*found)
    return [token for token in reader.taken if token.type != "_SEP"], spec


@dataclass(slots=True)
class Row:
    """A line of the file: code or a comment or both; neither is a blank line."""

    level: int
    code: str = ""
    comment: str = ""
    column: int = 0  # where a comment behind code was written
    distance: int = 0  # the blanks that were written in front of it

    @property
    def is_blank(self) -> bool:
        return not self.code and not self.comment

    @property
    def width(self) -> int:
        return len((INDENT * self.level + self.code).expandtabs())


class Layout:
    """Puts the tokens of one text into rows."""

    def __init__(self, text: str, tokens: list[Token], spacing: Spacing) -> None:
        self._text = text
        self._tokens = tokens
        self._spacing = spacing
        self._tall = _tall_braces(text, tokens)
        self._rows = [Row(0)]
        self._open: list[int] = []  # the levels of the rows that hold the open brackets and braces

    def rows(self) -> list[Row]:
        """All rows; blank ones as they were written."""
        end = 0
        before: Token | None = None
        for token in self._tokens:
            start = token.start_pos or 0
            self._keep_comments(end, start)
            if before is not None and self._breaks(before, token):
                self._rows.append(Row(0))
            self._put(before, token)
            before, end = token, token.end_pos or 0
        self._keep_comments(end, len(self._text))
        return self._rows

    def _keep_comments(self, start: int, end: int) -> None:
        """Takes over the line breaks and comments between two tokens."""
        for found in BETWEEN.finditer(self._text, start, end):
            if found[0] == "\n":
                self._rows.append(Row(0))
            else:
                self._comment(found)

    def _comment(self, found: re.Match[str]) -> None:
        row = self._rows[-1]
        row.comment = found[0].rstrip(" \t\r")
        if row.code:
            begin = self._text.rfind("\n", 0, found.start()) + 1
            written = self._text[begin : found.start()].expandtabs()
            row.column, row.distance = len(written), len(written) - len(written.rstrip())
        else:
            row.level = self._inside()

    def _breaks(self, before: Token, token: Token) -> bool:
        """Whether braces over several lines ask for a line break that was not written."""
        tall = before.start_pos in self._tall or (token.start_pos in self._tall and token.type == "RBRACE")
        return tall and bool(self._rows[-1].code)

    def _put(self, before: Token | None, token: Token) -> None:
        row = self._rows[-1]
        closed = self._open.pop() if token.type in CLOSERS else None
        if row.code and before is not None:
            row.code += self._spacing.between(before, token)
        else:
            row.level = self._inside() if closed is None else closed
        row.code += token
        if token.type in OPENERS:
            self._open.append(row.level)

    def _inside(self) -> int:
        return self._open[-1] + 1 if self._open else 0


def _tall_braces(text: str, tokens: list[Token]) -> frozenset[int | None]:
    """Where the braces stand, both of each pair, that hold a line break."""
    waiting: list[int] = []
    found: set[int | None] = set()
    for token in tokens:
        at = token.start_pos or 0
        if token.type == "LBRACE":
            waiting.append(at)
        elif token.type == "RBRACE" and "\n" in text[(opener := waiting.pop()) : at]:
            found |= {opener, at}
    return frozenset(found)


def _text(rows: list[Row], newline: str) -> str:
    rows = _with_single_blanks(rows)
    columns = _columns(rows)
    return "".join(_row_text(row, column) + newline for row, column in zip(rows, columns, strict=True))


def _row_text(row: Row, column: int) -> str:
    if row.is_blank:
        return ""
    blanks = " " * (column - row.width) if row.code and row.comment else ""
    return INDENT * row.level + row.code + blanks + row.comment


def _with_single_blanks(rows: list[Row]) -> list[Row]:
    """One blank line where there were several; none at either end of the text or of what is in brackets."""
    kept = [row for row, after in pairwise([*rows, Row(0)]) if not (row.is_blank and _ends_here(after))]
    return [
        row for before, row in pairwise([Row(0, "{"), *kept]) if not (row.is_blank and _opens_here(before))
    ]


def _ends_here(after: Row) -> bool:
    return after.is_blank or after.code.startswith((")", "]", "}"))


def _opens_here(before: Row) -> bool:
    return before.code.endswith(("(", "[", "{"))


def _columns(rows: list[Row]) -> list[int]:
    """The column of each row's comment; neighbours that were written in one column share one."""
    columns: list[int] = []
    for neighbours in _neighbours(rows):
        nearest = max(row.width + 2 for row in neighbours)
        alone = len(neighbours) == 1 and neighbours[0].distance <= 2
        columns += [nearest if alone else max(nearest, neighbours[0].column)] * len(neighbours)
    return columns


def _neighbours(rows: list[Row]) -> list[list[Row]]:
    """The rows in runs that have their comments in the same column; a row without one is a run of its own."""
    runs: list[list[Row]] = []
    for row in rows:
        if row.column and runs and runs[-1][-1].column == row.column:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs
