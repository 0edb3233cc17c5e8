"""Cells of text to numbers, exactly: a column is one of numbers only where nothing has to be guessed."""

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray


def numbers(cells: Sequence[str], decimal: str) -> NDArray[np.float64] | None:
    """The cells as float64, empty ones as NaN; None where one is no finite number: `nan`, `1e999`."""
    stripped = [cell.strip() for cell in cells]
    joined = "".join(stripped)
    if "_" in joined or (decimal == "," and "." in joined):
        return None
    if decimal == ",":
        stripped = [cell.replace(",", ".") for cell in stripped]
    try:
        values = np.array([float(cell) if cell else nan for cell in stripped])
    except ValueError:
        return None
    return values if np.isfinite(values).sum() == sum(map(bool, stripped)) else None


def words(cells: Sequence[str]) -> NDArray[Any]:
    """The cells without space around them, as an object array; equal ones share their memory."""
    seen: dict[str, str] = {}
    return np.array([seen.setdefault(cell, cell) for cell in map(str.strip, cells)], dtype=object)


def without(cells: Sequence[str], empty: str) -> list[str]:
    """The cells, nothing in those that say that they are empty."""
    return ["" if cell.strip() == empty else cell for cell in cells]


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether the cell alone is a finite number (an empty one is not)."""
    return bool(cell.strip()) and numbers([cell], decimal) is not None
