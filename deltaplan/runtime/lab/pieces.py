"""The affine pieces of a net along a line through its inputs, exactly: where its activations bend.

Between two knots every unit is affine in t. The bends are taken in the order of the plan: at the knots found
so far the net is evaluated, and where a unit crosses a threshold of its activation, there is the next knot.
No grid is searched, so no kink is missed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import (
    Conv,
    Map,
    MatMul,
    Place,
    Pool,
    Reduce,
    Slice,
    Sparse,
    Step,
    Tensor,
    Unpool,
    View,
)
from deltaplan.plugins.contracts import Unfit
from deltaplan.plugins.expressions import Expr, gradient
from deltaplan.plugins.expressions.analysis import is_piecewise_affine, kinks
from deltaplan.plugins.expressions.transform import arguments
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.expressions import Array

LINEAR = (MatMul, Conv, Sparse, Slice, Place, Unpool, View)  # affine where one operand alone has samples
VISIBLE = 1e-9  # of the largest slope: a smaller change of an output's slope is rounding


@dataclass(frozen=True, slots=True)
class Bend:
    """An activation with kinks: the tensor that it is applied to, its thresholds, and the node's name."""

    tensor: Tensor
    thresholds: tuple[float, ...]
    node: str


@dataclass(frozen=True, slots=True)
class Knot:
    """Where a unit of a node crosses a threshold: t in [0, 1] along the line."""

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


def bends(plan: Plan) -> tuple[Bend, ...]:
    """The activations with kinks in a plan that is not fused, in its order. Unfit where the net is not
    piecewise affine: where an activation is curved, or where two tensors are multiplied."""
    return tuple(bend for step in plan.steps for bend in _bends(step))


def _bends(step: Step) -> Iterator[Bend]:
    varying = [t for t in step.inputs if t.batched]
    match step:
        case Map():
            for expression in step.expressions:
                yield from _map_bends(step, expression)
        case Reduce(kind="sum") | Pool(kind="sum"):
            return
        case _ if len(varying) <= 1 and isinstance(step, LINEAR):
            return
        case _ if varying:
            raise _curved(step, "is not piecewise affine")


def _map_bends(step: Map, expression: Expr) -> Iterator[Bend]:
    varying = {f"x{i}": t for i, t in enumerate(step.inputs) if t.batched}
    slopes = gradient(expression, tuple(varying))
    if not any(set(arguments(slope)) & set(varying) for slope in slopes):
        return
    if len(varying) > 1 or set(arguments(expression)) - set(varying):
        raise _curved(step, "multiplies what depends on the input, or compares it")
    ((name, tensor),) = varying.items()
    if not is_piecewise_affine(expression, name):
        raise _curved(step, "is curved")
    if thresholds := kinks(expression, name):
        yield Bend(tensor, thresholds, step.origin)


def _curved(step: Step, why: str) -> Unfit:
    return Unfit(
        f"finds no straight pieces: `{step.origin}` {why}, so this net is not piecewise affine",
        "relu, leaky_relu and what else is made of straight lines have kinks",
    )


class Line:
    """A net on inputs x(t) = a + t (b − a), t from 0 to 1, in the model's coordinates; `vector` is θ with the
    running statistics behind it."""

    def __init__(
        self, plan: Plan, vector: Array, begin: Mapping[str, Array], end: Mapping[str, Array]
    ) -> None:
        self._plan, self._vector = plan, vector
        self._begin = {name: np.asarray(rows, np.float64).reshape(-1, 1) for name, rows in begin.items()}
        self._end = {name: np.asarray(rows, np.float64).reshape(-1, 1) for name, rows in end.items()}

    def __call__(self, places: Array) -> Bound:
        """Every tensor of the plan at places [k]."""
        rows = {name: a + places * (self._end[name] - a) for name, a in self._begin.items()}
        return evaluated(self._plan, self._vector, rows)


def evaluated(plan: Plan, vector: Array, rows: Mapping[str, Array]) -> Bound:
    """Every tensor of a plan for inputs [features, k]."""
    count = next(iter(rows.values())).shape[-1]
    bound = bind(plan, {"θ": vector}, count, rows, reuse=False)
    with np.errstate(all="ignore"):
        bound.run()
    return bound


def pieces(plan: Plan, line: Callable[[Array], Bound]) -> Pieces:
    """The affine pieces of all outputs along a line."""
    places, knots = np.array([0.0, 1.0]), dict[float, Knot]()
    for bend in bends(plan):
        values = line(places)[bend.tensor].reshape(-1, len(places))
        for knot in _crossings(bend, places, values):
            knots.setdefault(knot.t, knot)
        places = np.array(sorted({0.0, 1.0, *knots}))
    bound = line(places)
    outputs = np.concatenate(
        [bound[t].reshape(-1, len(places)) for t in plan.kept[: len(plan.trace.outputs)]]
    ).T
    inner = tuple(knots[t] for t in places[1:-1].tolist())
    return Pieces(places, np.ascontiguousarray(outputs), inner, _visible(places, outputs))


def _crossings(bend: Bend, places: Array, values: Array) -> Iterator[Knot]:
    """Where units cross thresholds strictly between two places, or at one."""
    for threshold in bend.thresholds:
        away = values - threshold
        for unit, k in zip(*np.nonzero(away[:, :-1] * away[:, 1:] < 0), strict=True):
            part = away[unit, k] / (away[unit, k] - away[unit, k + 1])
            t = float(places[k] + part * (places[k + 1] - places[k]))
            if places[k] < t < places[k + 1]:
                yield Knot(t, bend.node, int(unit))


def _visible(places: Array, outputs: Array) -> Array:
    slopes = np.diff(outputs, axis=0) / np.diff(places)[:, None]
    changes = abs(np.diff(slopes, axis=0)).max(axis=1) if len(places) > 2 else np.zeros(0)
    return np.asarray(changes > VISIBLE * abs(slopes).max())
