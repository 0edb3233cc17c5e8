"""The affine pieces of a net along a line through its inputs, exactly: where its activations bend.

Between two knots every unit is affine in t. The bends are taken in the order of the plan: at the knots found
so far all that is read later is known, and where a unit crosses a threshold of its activation, there is the
next knot; what is read there lies on the straight line between its neighbours. No grid is searched, so no
kink is missed, and each step of the plan is taken once at each place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lab.bends import Bend, Choice
from deltaplan.runtime.lab.stages import Stages, Values

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


def pieces(stages: Stages, line: Line) -> Pieces:
    """The affine pieces of all outputs along a line."""
    ends, found, knots = np.array([0.0, 1.0]), list[tuple[Array, Array]](), dict[float, Knot]()
    begin = line(ends)
    waiting = [(0, ends, {tensor: begin[name] for name, tensor in stages.inputs.items()})]
    while waiting:  # the last one first: memory is for a few places, however many there are
        number, places, values = waiting.pop()
        if number == len(stages.all):
            found.append((places, np.concatenate([values[t] for t in stages.outputs])))
            continue
        own = [k for bend in stages.all[number].bends for k in _crossings(bend, places, values[bend.tensor])]
        knots |= {knot.t: knot for knot in reversed(own)}
        every = np.unique(np.concatenate([places, [knot.t for knot in own]]))
        parts = [
            (number + 1, part, stages.run(number, _between(places, values, part)))
            for part in _parts(every, stages.most)
        ]
        waiting += reversed(parts)
    return _whole(found, knots)


def _parts(places: Array, most: int) -> list[Array]:
    """Of at most so many places, neighbours sharing one, so that all pieces are in one of them."""
    count = len(places) - 1
    cuts = np.linspace(0, count, 1 + -(-count // (most - 1))).astype(int).tolist()
    return [places[begin : end + 1] for begin, end in pairwise(cuts)]


def _between(places: Array, values: Values, wanted: Array) -> Values:
    """The values at the places wanted, on the straight lines between those that are known."""
    if len(wanted) == len(places):
        return values
    before = np.clip(np.searchsorted(places, wanted, "right") - 1, 0, len(places) - 2)
    part = (wanted - places[before]) / (places[before + 1] - places[before])
    found = {}
    for tensor, known in values.items():
        first, last = known.take(before, axis=1), known.take(before + 1, axis=1)
        first *= 1 - part
        last *= part
        found[tensor] = np.add(first, last, first)
    return found


def _whole(found: Sequence[tuple[Array, Array]], knots: Mapping[float, Knot]) -> Pieces:
    places = np.concatenate([found[0][0], *(own[1:] for own, _ in found[1:])])
    outputs = np.concatenate([found[0][1], *(values[:, 1:] for _, values in found[1:])], axis=1).T
    inner = tuple(knots[t] for t in places[1:-1].tolist())
    return Pieces(places, np.ascontiguousarray(outputs), inner, _visible(places, outputs))


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
