"""Rows to parts, at random and by a rule that a reader can follow."""

from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Split
from deltaplan.runtime.data.dataset import PartName
from deltaplan.runtime.random import Purpose, permutation

Rows = NDArray[np.intp]
HALF = Fraction(1, 2)


def split_rows(rows: int, split: Split, classes: NDArray[np.int64] | None = None) -> dict[PartName, Rows]:
    """The rows of each part that the split asks for, ascending.

    The rows are permuted by the split's seed and cut at the running sums of the fractions in the order train,
    validation, test: part k ends at floor(rows · (f₁ + … + fₖ) + ½), computed exactly. With class indices
    [rows] the permutation is stratified first, so that each part has its share of each class.
    """
    order = permutation(rows, split.seed, Purpose.SPLIT)
    if classes is not None:
        order = _spread(order, classes)
    parts: dict[PartName, Rows] = {}
    begin, total = 0, Fraction(0)
    for name, fraction in fractions(split).items():
        total += fraction
        end = min(rows, floor(rows * total + HALF))
        parts[name] = np.sort(order[begin:end])
        begin = end
    return parts


def fractions(split: Split) -> dict[PartName, Fraction]:
    """The parts that are asked for with their shares, each the shortest decimal that gives its float."""
    stated: dict[PartName, float] = {"train": split.train, "validation": split.validation, "test": split.test}
    return {name: Fraction(repr(float(share))) for name, share in stated.items() if share > 0}


def _spread(order: Rows, classes: NDArray[np.int64]) -> Rows:
    """The i-th of a class's n samples goes to the place (i + ½)/n of the whole; equal places by `order`."""
    place = np.empty(len(order))
    for label in np.unique(classes):
        mine = np.flatnonzero(classes[order] == label)
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return order[np.argsort(place, kind="stable")]
