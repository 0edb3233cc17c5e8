"""The update of θ bound to vectors, as the trainer runs it."""

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from operator import itemgetter

import numpy as np

from deltaplan.compiler.factors import with_factors
from deltaplan.compiler.optimize import Update
from deltaplan.plugins.expressions import Expr, Op, walk
from deltaplan.plugins.expressions.floats import FLOATS
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, Thunk, calls


class BoundUpdate:
    """The update of θ in place; `states` are the optimizer's vectors."""

    def __init__(self, update: Update, vectors: Mapping[str, Array]) -> None:
        update = with_factors(update)
        theta, gradient = vectors["θ"], vectors["g"]
        self.states = {name: np.zeros_like(theta) for name in update.states}
        arrays = {"w": theta, "θ": theta, "g": gradient, **self.states}
        self._scalars = {tensor.name: np.zeros((), theta.dtype) for tensor in update.scalars}
        self._values = scalar_function(tuple(update.scalars.values()))
        self._gradients = [gradient[part.begin : part.end] for part in update.parts]
        self._needs_norm = "gnorm" in update.arguments
        scratch = Scratch(theta.dtype)
        self._calls: list[Thunk] = []
        for part in update.parts:
            views = {name: array[part.begin : part.end] for name, array in arrays.items()}
            known = views | self._scalars
            inputs = {f"x{i}": known[t.name] for i, t in enumerate(part.step.inputs)}
            self._calls += calls(
                part.step.expressions, inputs, [views[name] for name in update.writes], scratch
            )

    def run(self, t: int, epoch: int = 0) -> None:
        """Does step t, counted from 1, after so many whole epochs."""
        known = {"t": float(t), "epoch": float(epoch), "gnorm": self._norm() if self._needs_norm else 0.0}
        for scalar, value in zip(self._scalars.values(), self._values(known), strict=True):
            scalar[...] = value
        for call in self._calls:
            call()

    def _norm(self) -> float:
        return sqrt(sum(float(g @ g) for g in self._gradients))


def scalar_function(expressions: tuple[Expr, ...]) -> Callable[[Mapping[str, float]], list[float]]:
    """The expressions as one function of their arguments, plain floats: it is called in every step."""
    order = list(walk(*expressions))
    places = {node: index for index, node in enumerate(order)}
    start = [node.value or 0.0 for node in order]
    arguments = [(places[node], str(node.name)) for node in order if node.op is Op.ARG]
    tape = [(places[n], FLOATS[n.op], _taker([places[a] for a in n.args])) for n in order if n.args]
    results = [places[e] for e in expressions]

    def scalars(known: Mapping[str, float]) -> list[float]:
        values = start.copy()
        for place, name in arguments:
            values[place] = known[name]
        for place, function, operands in tape:
            values[place] = function(*operands(values))
        return [values[place] for place in results]

    return scalars


def _taker(places: list[int]) -> Callable[[list[float]], Sequence[float]]:
    """Gives the values at the places of a list, as fast as Python can."""
    return itemgetter(slice(places[0], places[0] + 1)) if len(places) == 1 else itemgetter(*places)
