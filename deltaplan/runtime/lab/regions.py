"""The regions of a net of two inputs in which it is affine: convex polygons, exactly.

As in `pieces`, the activations are taken in the order of the plan; each region is cut along the lines on
which its units cross a threshold, or two numbers of a window of `max_pool` meet. Inside a region every unit
is affine, so its values at the corners say all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from deltaplan.plugins.contracts import Unfit
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lab.bends import Net

SMALLEST = 1e-12  # of the box's area: a smaller region is rounding
MOST = 20_000  # regions


@dataclass(frozen=True, slots=True)
class Regions:
    """Polygons [m, 2] in the model's coordinates, each with its corners in order, and the values [outputs] of
    the model in their middle."""

    polygons: tuple[Array, ...]
    values: Array

    @property
    def areas(self) -> Array:
        """Of each polygon, in the units of its corners."""
        return np.array([area(corners) for corners in self.polygons])


def regions(net: Net, box: Mapping[str, tuple[Array, Array]]) -> Regions:
    """The regions inside a box, low and high [2] of the one input. Unfit where the net is not piecewise
    affine, or where there are more than 20,000."""
    ((name, (low, high)),) = box.items()
    found = [np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float64)]
    least = SMALLEST * float(np.prod(np.asarray(high) - low))
    for bend in net.bends:
        (values,) = net.at({name: np.concatenate(found).T}, bend.tensor)
        corners = np.cumsum([len(corners) for corners in found])[:-1]
        sides = np.split(np.concatenate(list(bend.sides(values))).T, corners)  # [m, sides] of each polygon
        found = [part for whole in zip(found, sides, strict=True) for part in _cut(*whole, least)]
        if len(found) > MOST:
            raise Unfit(f"found more than {MOST:,} regions", "look at a smaller box")
    middles = np.array([corners.mean(axis=0) for corners in found])
    return Regions(tuple(found), net.outputs({name: middles.T}))


def _cut(corners: Array, sides: Array, least: float) -> Iterator[Array]:
    """The parts of a polygon on each side of every line on which one of the sides is 0."""
    parts = [np.hstack([corners, sides])]
    for column in range(2, 2 + sides.shape[1]):
        parts = [half for part in parts for half in _halves(part, column, least)]
    yield from (part[:, :2] for part in parts)


def _halves(part: Array, column: int, least: float) -> list[Array]:
    """A polygon whose rows carry the sides' numbers, cut where that of the column is 0: one or two."""
    away = part[:, column]
    if (away >= 0).all() or (away <= 0).all():
        return [part]
    sides = [_half(part, away, sign) for sign in (1.0, -1.0)]
    large = [side for side in sides if area(side) > least]
    return large if len(large) == 2 else [part]


def _half(part: Array, away: Array, sign: float) -> Array:
    """The corners on one side, with the two on the line."""
    rows = []
    for k in range(len(part)):
        following = (k + 1) % len(part)
        if sign * away[k] >= 0:
            rows.append(part[k])
        if away[k] * away[following] < 0:
            share = away[k] / (away[k] - away[following])
            rows.append(part[k] + share * (part[following] - part[k]))
    return np.array(rows)


def area(corners: Array) -> float:
    """The area of a polygon whose corners are in order."""
    if len(corners) < 3:
        return 0.0
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
