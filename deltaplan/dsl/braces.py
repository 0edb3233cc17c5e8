"""Which braces are open, and which one was forgotten when they do not come out even."""

from lark import Token

from deltaplan.diagnostics import Source

# A line that begins so at the margin ends every block that is still open.
TOP_WORDS = frozenset({"param", "use", "import", "block", "model", "data", "train", "sweep", "assert"})


class Braces:
    """The open braces of one text; the margins of their lines tell which of them lacks its end."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: list[Token] = []
        self._misplaced: list[Token] = []  # closed by a brace that stands too far to the left

    def __len__(self) -> int:
        return len(self._open)

    def note(self, token: Token) -> None:
        """Keeps up with a token that the parser took."""
        if token.type == "LBRACE":
            self._open.append(token)
        elif token.type == "RBRACE":
            opener = self._open.pop()
            if self._is_first(token) and self._margin(token) < self._margin(opener):
                self._misplaced.append(opener)
            if not self._open:
                self._misplaced.clear()

    def forgotten(self) -> list[Token]:
        """The braces to blame for those that are open now."""
        return (self._misplaced + self._open)[: len(self._open)]

    def ended_by(self, token: Token) -> bool:
        """Whether a line that begins with this word cannot stand in the braces that are open."""
        if not self._open or token not in TOP_WORDS or not self._is_first(token):
            return False
        rest = self._source.line_at(token.start_pos or 0)[self._margin(token) + len(token) :]
        return self._margin(token) <= self._margin(self._open[0]) and not rest.lstrip().startswith("=")

    def _margin(self, token: Token) -> int:
        return margin(self._source, token.start_pos or 0)

    def _is_first(self, token: Token) -> bool:
        return self._source.column_of(token.start_pos or 0) == self._margin(token) + 1


def margin(source: Source, offset: int) -> int:
    """The blanks that the line of an offset begins with."""
    line = source.line_at(offset)
    return len(line) - len(line.lstrip())
