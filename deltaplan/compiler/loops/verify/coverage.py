"""Whether boxes of places fill an array."""

from collections.abc import Sequence
from itertools import product

Box = Sequence[frozenset[int]]  # on each axis the places that it holds


def covers(shape: tuple[int, ...], boxes: Sequence[Box | None]) -> bool:
    """Whether every place of the shape lies in one of the boxes; what is None holds none.

    Places that lie in the same boxes on an axis are told by one of them, so the cost grows with the number of
    boxes and not with the array.
    """
    known = [box for box in boxes if box is not None]
    axes = [_classes(length, [box[axis] for box in known]) for axis, length in enumerate(shape)]
    return all(any(map(all, zip(*sides, strict=True))) for sides in product(*axes)) if shape else bool(known)


def _classes(length: int, sides: Sequence[frozenset[int]]) -> set[tuple[bool, ...]]:
    """For each kind of place on an axis, which of the boxes hold it."""
    return {tuple(place in side for side in sides) for place in range(length)}
