"""The text cut into pieces without the grammar: what the limits count and what recovery skips."""

import re
from collections.abc import Iterator

# A string that is not closed ends with its line, as it does for the lexer; so do comments.
PIECE = re.compile(
    r"""(?P<string>"[^"\r\n]*"?)|(?P<comment>\#[^\n]*)|(?P<newline>\n)"""
    r"""|(?P<open>[(\[])|(?P<close>[)\]])|(?P<brace>[{}])|(?P<end>;)|(?P<word>[A-Za-z_0-9.%]+)|(?P<sign>\S)""",
    re.VERBOSE,
)
CLOSER = {"(": ")", "[": "]", "{": "}"}

Piece = re.Match[str]


def pieces(text: str, start: int = 0) -> Iterator[Piece]:
    """The pieces from `start` on, blanks left out; `lastgroup` names their kind."""
    return PIECE.finditer(text, start)


def partners(text: str) -> dict[int, int]:
    """Where the bracket at an offset is closed; those that no bracket closes before a brace are left out."""
    found: dict[int, int] = {}
    waiting: list[Piece] = []
    for piece in pieces(text):
        match piece.lastgroup:
            case "open":
                waiting.append(piece)
            case "close" if opener := _opener(waiting, piece[0]):
                found[opener.start()] = piece.start()
            case "brace":
                waiting.clear()
    return found


def _opener(waiting: list[Piece], closer: str) -> Piece | None:
    """Takes the innermost bracket that `closer` fits, and those inside it, which nothing closes."""
    for index in reversed(range(len(waiting))):
        if CLOSER[waiting[index][0]] == closer:
            opener = waiting[index]
            del waiting[index:]
            return opener
    return None


def end_of_line(text: str, start: int, closed: dict[int, int]) -> int:
    """Where the line that goes on at `start` ends: at a newline or `;` outside of brackets, or at a brace."""
    inside = start
    for piece in pieces(text, start):
        if piece.start() < inside:
            continue
        match piece.lastgroup:
            case "open":
                inside = closed.get(piece.start(), inside)
            case "newline" | "end" | "brace":
                return piece.start()
    return len(text)
