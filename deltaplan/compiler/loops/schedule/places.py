"""Which places of a window see which numbers of a sample, as runs that a loop can walk through."""

from collections.abc import Collection, Sequence
from itertools import groupby

from deltaplan.compiler.windows import Window
from deltaplan.records import dataclass

Seen = tuple[tuple[int, int], ...]  # (offset within the window, what it meets there), in order


@dataclass(frozen=True, slots=True)
class Tap:
    """An offset within a window, and what the first place of a run meets there on the other side."""

    offset: int
    first: int


@dataclass(frozen=True, slots=True)
class Run:
    """`count` places `begin`, `begin` + `step`, … on one axis that see through the same taps. From place to
    place, what is met moves on by `stride`."""

    begin: int
    count: int
    step: int
    taps: tuple[Tap, ...]
    stride: int


Runs = tuple[Run, ...]


def seen_by_places(window: Window, axis: int, length: int, places: int) -> list[Seen]:
    """For each place of a window on an axis the numbers that it sees, by their offsets."""
    found = []
    for place in range(places):
        first = place * window.stride[axis] - window.before[axis]
        numbers = [(k, first + k * window.dilation[axis]) for k in range(window.kernel[axis])]
        found.append(tuple((k, number) for k, number in numbers if 0 <= number < length))
    return found


def seen_by_numbers(window: Window, axis: int, length: int, places: int) -> list[Seen]:
    """For each number of the sample the places that see it, by their offsets; the places in order."""
    found: list[list[tuple[int, int]]] = [[] for _ in range(length)]
    for place, seen in enumerate(seen_by_places(window, axis, length, places)):
        for offset, number in seen:
            found[number].append((offset, place))
    return [tuple(seen) for seen in found]


def runs_of_places(window: Window, sides: Sequence[int], places: Sequence[int]) -> tuple[Runs, ...]:
    """On each axis of a window its places, as runs over what they see."""
    return tuple(
        runs_through(window, axis, range(window.kernel[axis]), n, m)
        for axis, (n, m) in enumerate(zip(sides, places, strict=True))
    )


def runs_through(window: Window, axis: int, offsets: Collection[int], length: int, places: int) -> Runs:
    """The places on one axis, as runs over what they see through some of the offsets."""
    seen = seen_by_places(window, axis, length, places)
    chosen = [tuple(met for met in each if met[0] in offsets) for each in seen]
    return _runs(chosen, 1, window.stride[axis])


def runs_of_numbers(window: Window, sides: Sequence[int], places: Sequence[int]) -> tuple[Runs, ...]:
    """On each axis of a window the numbers of the sample, as runs over the places that see them."""
    return tuple(
        _runs(seen_by_numbers(window, axis, n, m), window.stride[axis], 1)
        for axis, (n, m) in enumerate(zip(sides, places, strict=True))
    )


def _runs(seen: Sequence[Seen], step: int, stride: int) -> Runs:
    """Neighbours at a distance of `step` with the same offsets, which meet what lies `stride` further."""
    found = []
    for residue in range(min(step, len(seen))):
        own = range(residue, len(seen), step)
        for _, members in groupby(enumerate(own), lambda m: _alike(seen[m[1]], m[0] * stride)):
            chosen = [place for _, place in members]
            taps = tuple(Tap(offset, met) for offset, met in seen[chosen[0]])
            found.append(Run(chosen[0], len(chosen), step, taps, stride))
    return tuple(found)


def _alike(seen: Seen, moved: int) -> Seen:
    """What places of one run have in common."""
    return tuple((offset, met - moved) for offset, met in seen)
