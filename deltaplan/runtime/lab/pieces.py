"""The affine pieces of a net along a line through its inputs, exactly: where its activations bend.

Between two knots every unit is affine in t. The bends are taken in the order of the plan: at the knots found
so far the net is evaluated, and where a unit crosses a threshold of its activation, there is the next knot.
No grid is searched, so no kink is missed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lab.bends import Bend, Choice, Net

VISIBLE = 1e-9  # of the largest slope: a smaller change of an output's slope is rounding


@dataclass(frozen=True, slots=True)
class Knot:
    """Where a unit of a node bends: t in [0, 1] along the line."""

    t: float
    node: str
    unit: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """A net along a line. `places` [k] are the ends and the knots in order, `outputs` [k, outputs] what the
    model gives there; between two places it is the straight line. `knots` tells who bends at the inner ones.
    `visible` [k − 2] says whether the outputs' slope changes there."""

    places: Array
    outputs: Array
    knots: tuple[Knot, ...]
    visible: Array

    @property
    def slopes(self) -> Array:
        """[k − 1, outputs] by t."""
        return np.asarray(np.diff(self.outputs, axis=0) / np.diff(self.places)[:, None])


@dataclass(frozen=True, slots=True)
class Line:
    """Inputs x(t) = a + t (b − a), t from 0 to 1, in the model's coordinates."""

    begin: Mapping[str, Array]
    end: Mapping[str, Array]

    def __call__(self, places: Array) -> dict[str, Array]:
        """[features, k] by input at places [k]."""
        ends = {name: (_column(a), _column(self.end[name])) for name, a in self.begin.items()}
        return {name: a + places * (b - a) for name, (a, b) in ends.items()}


def _column(values: Array) -> Array:
    return np.asarray(values, np.float64).reshape(-1, 1)


def pieces(net: Net, line: Line) -> Pieces:
    """The affine pieces of all outputs along a line."""
    places, knots = np.array([0.0, 1.0]), dict[float, Knot]()
    for bend in net.bends:
        (values,) = net.at(line(places), bend.tensor)
        for knot in _crossings(bend, places, values):
            knots.setdefault(knot.t, knot)
        places = np.array(sorted({0.0, 1.0, *knots}))
    outputs = net.outputs(line(places))
    inner = tuple(knots[t] for t in places[1:-1].tolist())
    return Pieces(places, outputs, inner, _visible(places, outputs))


def _crossings(bend: Bend | Choice, places: Array, values: Array) -> Iterator[Knot]:
    """The knots strictly between two places."""
    for found, units in bend.crossings(places, values):
        after = np.searchsorted(places, found)
        inside = places[np.minimum(after, len(places) - 1)] != found
        for t, unit in zip(found[inside].tolist(), units[inside].tolist(), strict=True):
            yield Knot(t, bend.node, unit)


def _visible(places: Array, outputs: Array) -> Array:
    slopes = np.diff(outputs, axis=0) / np.diff(places)[:, None]
    changes = abs(np.diff(slopes, axis=0)).max(axis=1) if len(places) > 2 else np.zeros(0)
    return np.asarray(changes > VISIBLE * abs(slopes).max())
