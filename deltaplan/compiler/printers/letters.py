"""The notation without letters that a plain terminal may lack."""

import re
import unicodedata

WORDS = {
    "δ": "delta",
    "∂": "d",
    "θ": "theta",
    "Ω": "Omega",
    "ℓ": "l",
    "Σ": "sum",
    "σ": "sigma",
    "λ": "lambda",
    "⊙": "*",
    "·": "*",
    "×": "x",
    "ᵀ": "^T",
    "\N{PRIME}": "'",
    "←": "<-",
    "→": "->",
    "…": "...",
    "‖": "||",
    "½": "1/2",
    "²": "^2",
    "₁": "_1",
    "ᵢ": "_i",
    "≤": "<=",
    "≥": ">=",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "ŷ": "y^",
    "│": "|",
    "─": "-",
    "├": "+",
    "┤": "+",
    "┼": "+",
    "╮": ".",
    "╯": "'",
    "╭": ".",
    "╰": "'",
    "●": "o",
    "○": "o",
    "⊕": "+",
}
TABLE = str.maketrans(WORDS)


def ascii(text: str) -> str:
    """The same text in ASCII: `delta2 = W2^T dv2 + delta3`. A letter without a word here loses its accent, or
    becomes its code: `\\u4e2d`. Columns stay where they are as far as there is room."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    """A line with what its words have grown by taken from the gaps of two spaces and more after them."""
    parts, grown = [], 0
    for part in re.split("( {2,})", line):
        if part.startswith("  "):
            room = max(2, len(part) - grown)
            grown -= len(part) - room
            parts.append(" " * room)
        else:
            plain = "".join(_plain(letter) for letter in part.translate(TABLE))
            grown += len(plain) - len(part)
            parts.append(plain)
    return "".join(parts)


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    parts = unicodedata.normalize("NFKD", letter)
    bare = "".join(part for part in parts if part.isascii())
    return bare or letter.encode("ascii", "backslashreplace").decode("ascii")
