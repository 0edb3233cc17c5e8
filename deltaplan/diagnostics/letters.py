"""Our notation without letters that a plain terminal may lack."""

import re
import unicodedata
from itertools import groupby

WORDS = {
    "∂": "d",
    "ℓ": "l",
    "Σ": "sum",
    "λ": "lambda",
    "⊙": "*",
    "·": "*",
    "×": "x",
    "∗": "*",
    "√": "sqrt",
    "\N{PRIME}": "'",
    "←": "<-",
    "→": "->",
    "↦": "->",
    "…": "...",
    "‖": "||",
    "½": "1/2",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
    "∞": "inf",
    "∈": "in",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "“": '"',
    "”": '"',
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "ŷ": "y^",
    "│": "|",
    "─": "-",
    "╮": ".",
    "╯": "'",
    "╭": ".",
    "╰": "'",
    "●": "o",
    "○": "o",
    "⊕": "+",
}
GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (\w+)")
RUN_TOGETHER = re.compile(r"([α-ωΑ-ΡΤ-Ω√])(?=[^\W\d_ᵀ₀-₉ᵢⱼ])")
SCRIPTS = {"<super>": "^", "<sub>": "_"}


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
            plain = _words(part)
            grown += len(plain) - len(part)
            parts.append(plain)
    return "".join(parts)


def _words(text: str) -> str:
    """Superscripts and subscripts together, e⁻ᵘ as `e^-u`; a letter after a word apart, αu as `alpha u`."""
    if text.isascii():
        return text
    text = RUN_TOGETHER.sub(r"\1 ", text)
    return "".join(script + "".join(map(_plain, letters)) for script, letters in groupby(text, _script))


def _script(letter: str) -> str:
    return SCRIPTS.get(unicodedata.decomposition(letter).partition(" ")[0], "")


def _plain(letter: str) -> str:
    if letter.isascii() or letter in WORDS:
        return WORDS.get(letter, letter)
    name = unicodedata.name(letter, "")
    if greek := GREEK.fullmatch(name):
        return greek[2].lower() if greek[1] == "SMALL" else greek[2].capitalize()
    if name.startswith("BOX DRAWINGS"):
        return "+"
    parts = [p for p in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(p)]
    bare = "".join(p for p in (WORDS.get(part, part) for part in parts) if p.isascii())
    return bare or ("" if not parts else letter.encode("ascii", "backslashreplace").decode("ascii"))
