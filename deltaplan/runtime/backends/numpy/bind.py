"""Plans and updates bound to vectors and data: what the trainer, the evaluator and the problem run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import itemgetter
from typing import Any

import numpy as np

from deltaplan.compiler.factors import with_factors
from deltaplan.compiler.optimize import Update
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Tensor
from deltaplan.plugins.expressions import Expr, Op, walk
from deltaplan.plugins.expressions.floats import FLOATS
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, Thunk, calls
from deltaplan.runtime.backends.numpy.program import Program

Draw = Callable[[int, Array], None]


@dataclass(frozen=True, slots=True)
class Bound:
    """A plan on `batch` samples. `data` holds the arrays of inputs and targets by their nodes' names,
    [features, batch] or [batch]; what is written there is what the next run sees. `scale` is the factor
    before the sum over the batch."""

    plan: Plan
    program: Program
    data: Mapping[str, Array]
    scale: Array

    def run(self) -> None:
        self.program.run()

    def __getitem__(self, tensor: Tensor) -> Array:
        return self.program[tensor]


def bind(
    plan: Plan,
    vectors: Mapping[str, Array],
    batch: int,
    data: Mapping[str, Array] | None = None,
    draw: Draw | None = None,
    reuse: bool = True,
) -> Bound:
    """Binds a plan to the vectors `θ` and, for training, `g`, all of one precision.

    `data` gives arrays [features, batch], a class as [batch], that are used as they are; other leaves get
    memory of their own. A sample's features are the numbers of its shape, the last axis the fastest.
    """
    dtype = vectors["θ"].dtype
    leaves = {**plan.trace.inputs, **_used_targets(plan)}
    data = {name: _leaf(tensor, batch, dtype, (data or {}).get(name)) for name, tensor in leaves.items()}
    scale = np.ones((), dtype)
    external = {leaves[n]: array.reshape(*leaves[n].shape, batch) for n, array in data.items()}
    external[plan.trace.scale] = scale
    external[plan.trace.count] = np.asarray(batch, dtype)
    for part in plan.parts:
        if part.vector in vectors:
            flat = vectors[part.vector][part.offset : part.offset + part.tensor.size]
            external[part.tensor] = flat.reshape(part.tensor.shape)
    program = Program(plan.steps, external, plan.kept, batch, dtype, draw, reuse)
    return Bound(plan, program, data, scale)


def _used_targets(plan: Plan) -> dict[str, Tensor]:
    read = {tensor for step in plan.steps for tensor in step.inputs}
    return {target_key(name): t for name, t in plan.trace.targets.items() if t in read}


def target_key(output: str) -> str:
    """The key under which `data` holds the targets of an output."""
    return f"target {output}"


def _leaf(tensor: Tensor, batch: int, dtype: np.dtype[Any], given: Array | None) -> Array:
    shape = (tensor.size, batch) if tensor.shape else (batch,)
    kind = np.dtype(np.intp) if tensor.kind == "index" else dtype
    if given is None:
        return np.zeros(shape, kind)
    if given.shape != shape:
        raise ValueError(f"`{tensor.name}` has the shape {shape}, and {given.shape} was given")
    return np.ascontiguousarray(given, kind)


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
