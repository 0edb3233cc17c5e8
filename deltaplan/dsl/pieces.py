"""The text cut into pieces without the grammar: what the limits count and what recovery skips."""

import re
from collections import Counter
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
    """Where the bracket at an offset is closed; those that no bracket closes before a brace are left out.

    A bracket that closes nothing changes nothing; one that fits an outer bracket leaves those inside it open.
    """
    found: dict[int, int] = {}
    waiting: list[Piece] = []
    wanted: Counter[str] = Counter()
    for piece in pieces(text):
        match piece.lastgroup:
            case "open":
                waiting.append(piece)
                wanted[CLOSER[piece[0]]] += 1
            case "close" if wanted[piece[0]]:
                opener = waiting.pop()
                while CLOSER[opener[0]] != piece[0]:
                    wanted[CLOSER[opener[0]]] -= 1
                    opener = waiting.pop()
                wanted[piece[0]] -= 1
                found[opener.start()] = piece.start()
            case "brace":
                waiting.clear()
                wanted.clear()
    return found


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
