"""A net cut where it can bend: what lies between two cuts is evaluated once, on a few places at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Step, Tensor
from deltaplan.runtime.backends.numpy.bind import blocks_of
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import Program
from deltaplan.runtime.lab.bends import Bend, Choice, bends_of

FEWEST, MOST = 16, 1024  # places at a time
NUMBERS = 1 << 22  # that are kept at a time, over all places

Values = Mapping[Tensor, Array]  # [numbers, places] each


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps of which the first alone bends, as `bends` say. They read what `reads` names, affine between
    the bends of the stages before; after them `gives` is still read, by later ones or as the output."""

    bends: tuple[Bend | Choice, ...]
    steps: tuple[Step, ...]
    reads: tuple[Tensor, ...]
    gives: tuple[Tensor, ...]


class Stages:
    """A plan that is not fused at fixed parameters, stage by stage; `vector` is θ with the running
    statistics behind it. Unfit where the net is not piecewise affine."""

    def __init__(self, plan: Plan, vector: Array) -> None:
        self.inputs, self.outputs = plan.trace.inputs, plan.kept[: len(plan.trace.outputs)]
        fixed = tuple(step for step in plan.steps if not any(t.batched for t in step.outputs))
        moving = tuple(step for step in plan.steps if any(t.batched for t in step.outputs))
        self.all = tuple(_cut(moving, self.outputs))
        self._fixed = _constants(plan, vector, fixed)
        self._programs: dict[tuple[int, int], tuple[Program, dict[Tensor, Array]]] = {}
        numbers = sum(t.size for step in moving for t in step.outputs)
        self.most = min(MOST, max(FEWEST, NUMBERS // max(1, numbers)))

    def run(self, number: int, values: Values) -> dict[Tensor, Array]:
        """What a stage gives for what it reads, at no more than `most` places."""
        stage = self.all[number]
        count = next(iter(values.values())).shape[-1]
        program, leaves = self._program(number, count)
        for tensor in stage.reads:
            leaves[tensor].reshape(tensor.size, -1)[:, :count] = values[tensor]
        with np.errstate(all="ignore"):
            program.run()
        return {t: program[t].reshape(t.size, -1)[:, :count].copy() for t in stage.gives}

    def _program(self, number: int, count: int) -> tuple[Program, dict[Tensor, Array]]:
        """For so many places or a few more; it is kept."""
        stage, room = self.all[number], min(self.most, max(FEWEST, 1 << (count - 1).bit_length()))
        if (number, room) not in self._programs:
            leaves = {t: np.zeros((*t.shape, room)) for t in stage.reads}
            external = {**self._fixed, **leaves}
            program = Program(stage.steps, external, stage.gives, room, np.dtype(np.float64))
            self._programs[number, room] = program, leaves
        return self._programs[number, room]


def _constants(plan: Plan, vector: Array, steps: Sequence[Step]) -> dict[Tensor, Array]:
    """What does not depend on the input."""
    found = blocks_of(plan, {"θ": vector}) | {plan.trace.scale: np.ones(()), plan.trace.count: np.ones(())}
    program = Program(steps, found, (), 1, np.dtype(np.float64), reuse=False)
    program.run()
    return found | {tensor: program[tensor] for step in steps for tensor in step.outputs}


def _cut(steps: Sequence[Step], outputs: Sequence[Tensor]) -> Iterator[Stage]:
    bends = [tuple(bends_of(step)) for step in steps]
    begins = [0, *(k for k, found in enumerate(bends) if found and k > 0), len(steps)]
    for begin, end in pairwise(begins):
        reads, gives = (_alive(steps, at, outputs) for at in (begin, end))
        yield Stage(bends[begin] if steps else (), tuple(steps[begin:end]), reads, gives)


def _alive(steps: Sequence[Step], at: int, outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The tensors of samples that are there before a step and are read by it or later."""
    written = {t for step in steps[at:] for t in step.outputs}
    read = [t for step in steps[at:] for t in step.inputs] + [*outputs]
    return tuple(dict.fromkeys(t for t in read if t.batched and t not in written))
