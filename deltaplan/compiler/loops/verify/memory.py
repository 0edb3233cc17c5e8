"""Who wrote which numbers of a space last."""

from bisect import bisect_right
from collections.abc import Iterator


class Space:
    """Ranges of numbers with the tensor that was written there last."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._ranges: list[tuple[int, int, str]] = []  # begin, end, owner: in order, none over another

    def write(self, begin: int, end: int, owner: str) -> None:
        kept = []
        first, last = self._touched(begin, end)
        for b, e, before in self._ranges[first:last]:
            kept += [(b, begin, before)] if b < begin else []
            kept += [(end, e, before)] if e > end else []
        self._ranges[first:last] = sorted([*kept, (begin, end, owner)])
        self._begins[first:last] = sorted([*(b for b, _, _ in kept), begin])

    def owners(self, begin: int, end: int) -> Iterator[str | None]:
        """The owners of what lies in a range, None for what was never written."""
        reached = begin
        first, last = self._touched(begin, end)
        for b, e, owner in self._ranges[first:last]:
            if b > reached:
                yield None
            yield owner
            reached = e
        if reached < end:
            yield None

    def _touched(self, begin: int, end: int) -> tuple[int, int]:
        first = bisect_right(self._begins, begin)
        if first and self._ranges[first - 1][1] > begin:
            first -= 1
        last = first
        while last < len(self._ranges) and self._ranges[last][0] < end:
            last += 1
        return first, last
