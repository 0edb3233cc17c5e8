"""Rows to parts, at random and by a rule that a reader can follow."""

from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import PartName, Split
from deltaplan.runtime.data.distinct import distinct
from deltaplan.runtime.random import Purpose, permutation

Rows = NDArray[np.intp]
HALF = Fraction(1, 2)


def split_rows(
    rows: int,
    split: Split,
    classes: NDArray[np.int64] | None = None,
    groups: NDArray[np.intp] | None = None,
) -> dict[PartName, Rows]:
    """The rows of each part that the split asks for, ascending.

    The rows are permuted by the split's seed, or stay in their order, and are cut at the running sums of the
    fractions in the order train, validation, test: part k ends at floor(rows · (f₁ + … + fₖ) + ½), computed
    exactly. With class indices [rows] the permutation is stratified first, so that each part has its share of
    each class. With group indices [rows] the groups are permuted, and a group goes where its middle lies. Of
    folds, number k validates and the others train.
    """
    plain = _ordered(rows, split, classes), np.arange(rows)
    order, place = plain if groups is None else _grouped(split, groups)
    parts: dict[PartName, list[Rows]] = {}
    for name, begin, end in cuts(split):
        low, high = (floor(rows * share + HALF) for share in (begin, end))
        parts.setdefault(name, []).append(order[(place >= low) & (place < high)])
    return {name: np.sort(np.concatenate(pieces)) for name, pieces in parts.items()}


def _ordered(rows: int, split: Split, classes: NDArray[np.int64] | None) -> Rows:
    if split.in_time:
        return np.arange(rows)
    order = permutation(rows, split.seed, Purpose.SPLIT)
    return order if classes is None else _spread(order, classes)


def _grouped(split: Split, groups: NDArray[np.intp]) -> tuple[Rows, Rows]:
    """The rows group by group, and for each row the place of the one in the middle of its group."""
    count = int(groups.max()) + 1 if len(groups) else 0
    rank = permutation(count, split.seed, Purpose.SPLIT)
    order = np.argsort(rank[groups], kind="stable")
    sizes = np.bincount(rank[groups], minlength=count)
    middle = sizes.cumsum() - sizes + (sizes - 1) // 2
    return order, middle[rank[groups][order]]


def cuts(split: Split) -> list[tuple[PartName, Fraction, Fraction]]:
    """Pieces of the ordered rows: the part that each belongs to, where it begins and where it ends."""
    if split.folds:
        return _folds(split)
    found: list[tuple[PartName, Fraction, Fraction]] = []
    total = Fraction(0)
    for name, fraction in fractions(split).items():
        found.append((name, total, total + fraction))
        total += fraction
    return found


def _folds(split: Split) -> list[tuple[PartName, Fraction, Fraction]]:
    rest = 1 - Fraction(repr(float(split.test)))
    begin, end = (rest * (split.fold - 1) / split.folds, rest * split.fold / split.folds)
    pieces: list[tuple[PartName, Fraction, Fraction]] = [
        ("train", Fraction(0), begin),
        ("train", end, rest),
        ("validation", begin, end),
        ("test", rest, Fraction(1)),
    ]
    return [piece for piece in pieces if piece[1] < piece[2]]


def fractions(split: Split) -> dict[PartName, Fraction]:
    """The parts that are asked for with their shares, each the shortest decimal that gives its float."""
    stated: dict[PartName, float] = {"train": split.train, "validation": split.validation, "test": split.test}
    return {name: Fraction(repr(float(share))) for name, share in stated.items() if share > 0}


def _spread(order: Rows, classes: NDArray[np.int64]) -> Rows:
    """The i-th of a class's n samples goes to the place (i + ½)/n of the whole; equal places by `order`."""
    place = np.empty(len(order))
    for label in distinct(classes):
        mine = np.flatnonzero(classes[order] == label)
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return order[np.argsort(place, kind="stable")]
