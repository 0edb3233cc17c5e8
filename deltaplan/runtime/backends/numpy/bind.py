"""Plans and updates bound to vectors and data: what the trainer, the evaluator and the problem run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from deltaplan.compiler.optimize import Update, hoisted
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Tensor
from deltaplan.plugins.expressions import Expr, Op, argument, replace, substitute, walk
from deltaplan.plugins.expressions.floats import FLOATS
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, Thunk, calls
from deltaplan.runtime.backends.numpy.factors import gathered
from deltaplan.runtime.backends.numpy.program import Program

Draw = Callable[[int, Array], None]


@dataclass(frozen=True, slots=True)
class Bound:
    """A plan on `batch` samples. `data` holds the arrays of inputs and targets by their nodes' names; what is
    written there is what the next run sees. `scale` is the factor before the sum over the batch."""

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

    `data` gives arrays [*shape, batch] that are used as they are; other leaves get memory of their own.
    """
    dtype = vectors["θ"].dtype
    leaves = {**plan.trace.inputs, **_used_targets(plan)}
    data = {name: _leaf(tensor, batch, dtype, (data or {}).get(name)) for name, tensor in leaves.items()}
    scale = np.ones((), dtype)
    external = {leaves[name]: array for name, array in data.items()}
    external[plan.trace.scale] = scale
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
    shape = (*tensor.shape, batch)
    kind = np.dtype(np.intp) if tensor.kind == "index" else dtype
    if given is None:
        return np.zeros(shape, kind)
    if given.shape != shape:
        raise ValueError(f"`{tensor.name}` has the shape {shape}, and {given.shape} was given")
    return np.ascontiguousarray(given, kind)


class BoundUpdate:
    """The update of θ in place. `run(t)` does step t, from 1; `states` are the optimizer's vectors."""

    def __init__(self, update: Update, vectors: Mapping[str, Array]) -> None:
        theta = vectors["θ"]
        self.states = {name: np.zeros_like(theta) for name in update.states}
        arrays = {"θ": theta, "g": vectors["g"], **self.states}
        inputs = {f"x{i}": tensor for i, tensor in enumerate(update.step.inputs)}
        scalars = {x: update.scalars[tensor] for x, tensor in inputs.items() if tensor in update.scalars}
        expressions = [gathered(substitute(e, scalars)) for e in update.step.expressions]
        found = hoisted(dict(zip(update.writes, expressions, strict=True)))
        names = {scalar: argument(f"s{i}") for i, scalar in enumerate(found)}
        self._scalars = [np.zeros((), theta.dtype) for _ in found]
        arguments = {x: arrays[tensor.name] for x, tensor in inputs.items() if x not in scalars}
        arguments |= {f"s{i}": array for i, array in enumerate(self._scalars)}
        outs = [arrays["θ" if name == "w" else name] for name in update.writes]
        self._calls: list[Thunk] = calls(
            [replace(e, names) for e in expressions], arguments, outs, Scratch(theta.dtype)
        )
        self._values = scalar_function(found)

    def run(self, t: int) -> None:
        for scalar, value in zip(self._scalars, self._values(float(t)), strict=True):
            scalar[...] = value
        for call in self._calls:
            call()


def scalar_function(expressions: tuple[Expr, ...]) -> Callable[[float], list[float]]:
    """The expressions of `t` as one function of plain floats: it is called in every step."""
    order = list(walk(*expressions))
    places = {node: index for index, node in enumerate(order)}
    start = [node.value or 0.0 for node in order]
    arguments = [places[node] for node in order if node.op is Op.ARG]
    tape = [(places[n], FLOATS[n.op], _taker([places[a] for a in n.args])) for n in order if n.args]
    results = [places[e] for e in expressions]

    def scalars(t: float) -> list[float]:
        values = start.copy()
        for place in arguments:
            values[place] = t
        for place, function, operands in tape:
            values[place] = function(*operands(values))
        return [values[place] for place in results]

    return scalars


def _taker(places: list[int]) -> Callable[[list[float]], Sequence[float]]:
    """Gives the values at the places of a list, as fast as Python can."""
    return itemgetter(slice(places[0], places[0] + 1)) if len(places) == 1 else itemgetter(*places)
