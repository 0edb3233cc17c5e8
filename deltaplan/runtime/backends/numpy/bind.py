"""Plans bound to vectors and data: what the trainer, the evaluator and the problem run."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from deltaplan.compiler.plans import Plan
from deltaplan.compiler.steps import Tensor
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array
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
    leaves = {**plan.trace.inputs, **used_targets(plan)}
    data = {name: _leaf(tensor, batch, dtype, (data or {}).get(name)) for name, tensor in leaves.items()}
    scale = np.ones((), dtype)
    external = {leaves[n]: array.reshape(*leaves[n].shape, batch) for n, array in data.items()}
    external[plan.trace.scale] = scale
    external[plan.trace.count] = np.asarray(batch, dtype)
    external |= blocks_of(plan, vectors)
    program = Program(plan.steps, external, plan.kept, batch, dtype, draw, reuse)
    return Bound(plan, program, data, scale)


def blocks_of(plan: Plan, vectors: Mapping[str, Array]) -> dict[Tensor, Array]:
    """The tensors that lie in the vectors, as views of them."""
    return {
        part.tensor: vectors[part.vector][part.offset : part.offset + part.tensor.size].reshape(
            part.tensor.shape
        )
        for part in plan.parts
        if part.vector in vectors
    }


def used_targets(plan: Plan) -> dict[str, Tensor]:
    """The targets that a plan reads, by their keys."""
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
