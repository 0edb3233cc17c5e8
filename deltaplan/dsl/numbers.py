"""What a written number is worth."""

import re

UNITS = {"": 0, "%": -2, "B": 0, "k": 3, "kB": 3, "M": 6, "MB": 6, "G": 9, "GB": 9}  # powers of ten
WRITTEN = re.compile(r"([0-9.]+)([eE][+-]?[0-9]+)?(\D*)")


def number_value(text: str) -> int | float:
    """The value with its unit applied; an int where no point, exponent or percent sign is written.

    Raises OverflowError where a float would be infinite or would lose a number to zero.
    """
    digits, exponent, unit = WRITTEN.fullmatch(text).groups()  # type: ignore[union-attr]
    shift = UNITS[unit]
    # The unit goes in as an exponent, so that the value is rounded once: 1.1k is 1100.
    value = float(f"{digits}{exponent or f'e{shift}'}")
    if value == float("inf"):
        raise OverflowError("large")
    if value == 0 and digits.strip("0."):
        raise OverflowError("small")
    return value if exponent or "." in digits or shift < 0 else int(digits) * 10**shift
