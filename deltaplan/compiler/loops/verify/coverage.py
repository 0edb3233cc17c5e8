"""Whether boxes of places fill an array."""

from collections.abc import Collection, Iterable, Sequence
from itertools import product

Box = Sequence[Collection[int]]  # on each axis the places that it holds


def covers(shape: tuple[int, ...], boxes: Sequence[Box | None], wanted: Box | None = None) -> bool:
    """Whether every place of the shape, or of a `wanted` box, lies in one of the boxes; what is None holds
    none.

    Places that lie in the same boxes on an axis are told by one of them, so the cost grows with the number of
    boxes and not with the array.
    """
    known = [box for box in boxes if box is not None]
    places: Box = wanted or [range(length) for length in shape]
    axes = [_classes(places[axis], [box[axis] for box in known]) for axis in range(len(shape))]
    return all(any(map(all, zip(*sides, strict=True))) for sides in product(*axes)) if shape else bool(known)


def _classes(places: Iterable[int], sides: Sequence[Collection[int]]) -> set[tuple[bool, ...]]:
    """For each kind of place on an axis, which of the boxes hold it."""
    return {tuple(place in side for side in sides) for place in places}
