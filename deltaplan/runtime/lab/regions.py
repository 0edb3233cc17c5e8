"""The regions of a net of two inputs in which it is affine: convex polygons, exactly.

As in `pieces`, the activations are taken in the order of the plan; each region is cut along the lines on
which its units cross a threshold. Inside a region every unit is affine, so its values at the corners say all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from deltaplan.compiler.plan import Plan
from deltaplan.plugins.contracts import Unfit
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lab.pieces import Bend, bends, evaluated

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


def regions(plan: Plan, vector: Array, box: Mapping[str, tuple[Array, Array]]) -> Regions:
    """The regions inside a box, low and high [2] of the one input. Unfit where the net is not piecewise
    affine, or where there are more than 20,000."""
    ((name, (low, high)),) = box.items()
    found = [np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float64)]
    least = SMALLEST * float(np.prod(np.asarray(high) - low))
    for bend in bends(plan):
        values = _at_corners(plan, vector, name, found, bend)
        found = [
            part
            for corners, units in zip(found, values, strict=True)
            for part in _cut(corners, units, bend.thresholds, least)
        ]
        if len(found) > MOST:
            raise Unfit(f"found more than {MOST:,} regions", "look at a smaller box")
    middles = np.array([corners.mean(axis=0) for corners in found])
    bound = evaluated(plan, vector, {name: middles.T})
    outputs = [bound[t].reshape(-1, len(found)) for t in plan.kept[: len(plan.trace.outputs)]]
    return Regions(tuple(found), np.concatenate(outputs).T)


def _at_corners(plan: Plan, vector: Array, name: str, polygons: list[Array], bend: Bend) -> list[Array]:
    """The units of a bend at the corners of each polygon: [m, units]."""
    bound = evaluated(plan, vector, {name: np.ascontiguousarray(np.concatenate(polygons).T)})
    values = bound[bend.tensor].reshape(-1, sum(map(len, polygons))).T
    return np.split(values, np.cumsum([len(p) for p in polygons])[:-1])


def _cut(corners: Array, units: Array, thresholds: tuple[float, ...], least: float) -> Iterator[Array]:
    """The parts of a polygon on each side of every line on which a unit has a threshold."""
    parts = [np.hstack([corners, units])]
    for unit in range(units.shape[1]):
        for threshold in thresholds:
            parts = [side for part in parts for side in _halves(part, 2 + unit, threshold, least)]
    yield from (part[:, :2] for part in parts)


def _halves(part: Array, column: int, threshold: float, least: float) -> list[Array]:
    """A polygon whose rows carry the units' values, cut where the column has the threshold: one or two."""
    away = part[:, column] - threshold
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
