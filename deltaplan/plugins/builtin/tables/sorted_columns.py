"""What a file with columns of any kind gives: those that are of use, and what the others hold."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray


def sorted_out(
    columns: Mapping[str, NDArray[Any] | str],
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The columns of numbers or words, and of each other one what it holds."""
    read = {name: found for name, found in columns.items() if not isinstance(found, str)}
    unread = {name: found for name, found in columns.items() if isinstance(found, str)}
    return read, unread
