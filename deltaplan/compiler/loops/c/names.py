"""Names in C: letters, digits and underscores, none of them taken."""

import re
from collections.abc import Collection, Sequence

from deltaplan.diagnostics.letters import ascii

WORDS = re.compile(r"\w+")
RESERVED = frozenset(  # C's own words, its library, and what every file of ours has
    WORDS.findall(
        """
        auto break case char const continue default do double else enum extern float for goto if inline int
        long register restrict return short signed sizeof static struct switch typedef union unsigned void
        volatile while _Bool size_t uint32_t uint64_t main printf puts exit abort abs malloc free memcpy
        exp exp2 expm1 log log2 log10 log1p logb sqrt cbrt hypot pow sin cos tan asin acos atan atan2 sinh
        cosh tanh asinh acosh atanh erf erfc lgamma tgamma ceil floor trunc round rint nearbyint fabs fmod
        fmin fmax fma fdim remainder copysign nan frexp ldexp modf scalbn ilogb nextafter signbit isnan isinf
        INFINITY NAN sigmoid largest smallest logaddexp sign nearest_place draw key weights places
        """
    )
)
NUMBER = re.compile(r"\d+$")


def prefix(file: str) -> str:
    """What all that a file gives away begins with: `wave` for wave.c, `net_3x5` for 3x5.c."""
    return _word(file, "net")


def _word(text: str, stem: str) -> str:
    name = re.sub(r"\W+", "_", ascii(text), flags=re.ASCII).strip("_")
    return f"{stem}_{name}".rstrip("_") if not name or name[0].isdigit() else name


def identifier(text: str, taken: Collection[str] = (), stem: str = "x") -> str:
    """A name in C that reads like the text and is not taken; one that would begin with a digit begins with
    the stem."""
    name = found = _word(text, stem)
    count = 1
    while found in taken or found in RESERVED:
        count += 1
        found = f"{name}_{count}"
    return found


def parameter_names(tensors: Sequence[str], written: Sequence[bool]) -> list[str]:
    """Names for the parameters of a function, after the tensors of one call: `W`, `z`, `dv`, `theta`; a
    result whose letter is taken is `out`."""
    found = dict.fromkeys(range(len(tensors)), "")
    for number in sorted(found, key=lambda n: written[n]):
        letter = _letter(tensors[number])
        taken = [name for name in found.values() if name]
        found[number] = identifier("out" if written[number] and letter in taken else letter, taken, "p")
    return list(found.values())


def _letter(tensor: str) -> str:
    """A tensor's name without its number and its places: W for W12, theta for θ(W1…W5); `tmp` for what has
    no name, `entries` for a table of them."""
    if " of " in tensor:
        return "entries"
    if tensor.startswith("%"):
        return {"%samples": "sample", "%counter": "step"}.get(tensor, "tmp")
    plain, dot, _ = ascii(tensor.partition("(")[0].replace("\N{PRIME}", "_new")).partition(".")
    return (plain if dot else NUMBER.sub("", plain)) or "tmp"
