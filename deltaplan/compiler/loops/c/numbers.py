"""Real numbers in C: the type, literals, functions of libm of that very type."""

from math import inf, isnan
from struct import pack, unpack
from typing import Literal

from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Real:
    """`float` or `double`, for which libm's functions have other names."""

    type: Literal["float", "double"]

    @property
    def bytes(self) -> int:
        return 4 if self.type == "float" else 8

    @property
    def mark(self) -> str:
        """What literals and libm's functions of this type end with."""
        return "f" if self.type == "float" else ""

    def function(self, name: str) -> str:
        """`expf` for `exp`."""
        return name + self.mark

    def literal(self, value: float) -> str:
        """The shortest decimal number that is read as this one: `0.1f`, `-2.0`, `INFINITY`."""
        value = self.rounded(value)
        if isnan(value):
            return "NAN" if self.type == "float" else "(double)NAN"
        if value in (inf, -inf):
            name = "INFINITY" if self.type == "float" else "HUGE_VAL"  # INFINITY is a float
            return name if value > 0 else f"-{name}"
        text = repr(value) if self.type == "double" else _shortest_float(value)
        return (text if any(c in text for c in ".e") else text + ".0") + self.mark

    def rounded(self, value: float) -> float:
        """What a number is in this type; infinity beyond its range."""
        if self.type == "double":
            return value
        try:
            return float(unpack("f", pack("f", value))[0])
        except OverflowError:
            return inf if value > 0 else -inf


def _shortest_float(value: float) -> str:
    """The shortest decimal number that float32 rounds to this one."""
    wanted = pack("f", value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if pack("f", float(text)) == wanted:
            return repr(float(text)) if abs(value) < 1e16 else text
    raise AssertionError("nine digits tell a float32")
