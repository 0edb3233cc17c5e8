"""Sums over what a place meets through the offsets of a window: written out, or as loops."""

from collections.abc import Callable, Sequence

from deltaplan.compiler.loops.nest import Accumulator, Affine, Fold, Place, Statement, at
from deltaplan.compiler.loops.schedule.places import Run
from deltaplan.records import dataclass

Names = Sequence[str]
Sums = tuple[tuple[Statement, ...], Names]  # what computes sums, and their names


@dataclass(frozen=True, slots=True)
class Met:
    """An offset of a window on one axis, and what is met there."""

    offset: Place
    source: Place


Inner = Callable[[Met, Names | None], Sums]


def over(
    run: Run,
    place: str,
    offset: str,
    written_out: bool,
    inner: Inner,
    before: Names | None,
    fresh: Callable[[], Names],
) -> Sums:
    """Sums over the offsets of a run, which has some. `place` is the variable of the loop over its places,
    `offset` that of the loop over its offsets, unless they are written out; sums begin with `before`."""
    if written_out or len(run.taps) == 1:
        return _one_by_one(run, place, inner, before)
    (first, second, *_), names = run.taps, fresh()
    met = Met(
        at(offset, first.offset, second.offset - first.offset),
        Affine(((place, run.stride), (offset, second.first - first.first)), first.first),
    )
    body, totals = inner(met, names)
    return (Fold(offset, len(run.taps), body, carried(names, totals, before)),), names


def _one_by_one(run: Run, place: str, inner: Inner, before: Names | None) -> Sums:
    body: tuple[Statement, ...] = ()
    totals = before
    for tap in run.taps:
        more, totals = inner(Met(tap.offset, at(place, tap.first, run.stride)), totals)
        body += more
    assert totals is not None, "a run without offsets"
    return body, totals


def carried(names: Names, totals: Names, before: Names | None) -> tuple[Accumulator, ...]:
    """The accumulators of a loop around others."""
    firsts: Sequence[str | None] = before or [None] * len(names)
    return tuple(
        Accumulator(name, (total,), "carry", first)
        for name, total, first in zip(names, totals, firsts, strict=True)
    )
