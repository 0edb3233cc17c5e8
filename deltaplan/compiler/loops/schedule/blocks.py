"""Blocks of products whose sums stay in registers: rows × columns of a result at once."""

from collections.abc import Sequence

Block = tuple[int, int]  # rows, columns


def rows_at_once(rows: int, columns: int, registers: int) -> int:
    """Rows of a block of so many columns: sums, what the columns stand for and one row's number fit into the
    registers, and no block is much smaller than the others."""
    most = max(1, (registers - 1 - columns) // columns)
    return -(-rows // -(-rows // most))


def loads_of(rows: int, columns: int, registers: int) -> float:
    """Numbers read for each product in blocks of so many columns."""
    high = rows_at_once(rows, columns, registers)
    return (rows + -(-rows // high) * columns) / (rows * columns)


def columns_at_once(rows: int, registers: int, choices: Sequence[int]) -> int:
    """The choice for which the fewest numbers are read."""
    return min(choices, key=lambda columns: loads_of(rows, columns, registers))
