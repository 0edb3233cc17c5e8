"""Newlines and `;` as the grammar wants them: one separator between two lines, none inside brackets."""

from lark import Token

OPENERS = ("CALL", "LPAR", "LSQB")
CLOSERS = ("RPAR", "RSQB")


class Lines:
    """Shapes the tokens of one text into lines; `brackets` holds the brackets that are open."""

    def __init__(self) -> None:
        self.brackets: list[Token] = []
        self._begun = False  # something stands on the line already

    def shape(self, token: Token) -> Token | None:
        """The token as the parser is to see it; None for a newline that means nothing."""
        if token.type not in ("_NL", "SEMICOLON"):
            return token
        if self.brackets:
            return None if token.type == "_NL" else token
        return token.update(type="_SEP") if self._begun else None

    def note(self, token: Token) -> None:
        """Keeps up with a token that the parser took."""
        self._begun = token.type not in ("_SEP", "LBRACE")
        if token.type in OPENERS:
            self.brackets.append(token)
        elif token.type in CLOSERS and self.brackets:
            self.brackets.pop()
