"""Where the parser stopped, and what it knew there."""

from collections.abc import Callable

from lark import Token

from deltaplan.diagnostics import Diagnostic, Source, Span
from deltaplan.records import dataclass

VALUES = frozenset({"NUMBER", "NAME", "STRING", "CALL", "LPAR", "LSQB", "MINUS"})
BEFORE_VALUE = frozenset(
    {"EQUAL", "COMMA", "PLUS", "MINUS", "STAR", "SLASH", "SLASHES", "CARET", "CMP"}
    | {"_X", "_FROM", "_DOTS", "LPAR", "CALL", "LSQB", "SEMICOLON"}
)

LOOPS = ("for", "loop", "foreach", "while")  # of other languages
REPEAT = "`repeat 3 { … }` repeats its lines"


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stopped: at a token that does not fit, or at a character that begins none."""

    source: Source
    at: int
    found: Token | None
    first: Token | None  # of this line
    before: tuple[Token, ...]  # of this line, the last one last
    accepts: frozenset[str]
    bracket: Token | None  # the innermost one that is open
    closed: bool  # whether something later closes it

    @property
    def kind(self) -> str:
        """The type of the token that does not fit, "" at a character."""
        # Not by truth: a token that the text lacks is an empty string.
        return "" if self.found is None else self.found.type

    @property
    def kinds(self) -> list[str]:
        """The types of the last tokens, that one included."""
        return [token.type for token in self.before] + [self.kind]

    @property
    def rest(self) -> str:
        """The line from here on."""
        end = self.source.text.find("\n", self.at)
        return self.source.text[self.at : len(self.source.text) if end < 0 else end].rstrip()

    @property
    def loops(self) -> bool:
        """Whether the line begins as a loop does in other languages, or as `repeat`."""
        return self.first is not None and str(self.first) in ("repeat", *LOOPS)

    @property
    def goes_on(self) -> bool:
        """Whether the writer meant the next line to belong to this one."""
        if self.found is None:
            return self.rest == "\\"
        return self.kind == "_SEP" and self.kinds[-2:][0] in BEFORE_VALUE - {"EQUAL", "_FROM"}

    def span(self, length: int) -> Span:
        return Span(self.source, self.at, self.at + length)

    def span_of(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)


Rule = Callable[[Stop], Diagnostic | None]
