"""What makes two groups of steps the same kernel, and the buffers that a kernel names its tensors by."""

from collections.abc import Mapping
from typing import Any

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Buffer
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.tables import Table, table_of
from deltaplan.compiler.loops.starts import StartedMatMul
from deltaplan.compiler.steps import PRIMITIVES, Random, Shape, Sparse, Step, Tensor, told_by

SAMPLES = Tensor("%samples", (), batched=True)  # the numbers of the samples, which random steps count by
COUNTER = Tensor("%counter", ())  # the key of the random numbers, and the step


class Names:
    """The tensors of a group in the order in which its steps name them, views as what they show."""

    def __init__(self, group: Group, axes: Axes, alias: Mapping[str, Tensor]) -> None:
        self.axes, self._alias = axes, alias
        self.tensors: dict[str, Tensor] = {}
        self._used: dict[str, Buffer] = {}
        for step in group.steps:
            for tensor in (*step.inputs, *step.outputs):
                self._add(alias.get(tensor.name, tensor))
            for tensor in _besides(step):
                self._add(tensor)
        self._numbers = {name: number for number, name in enumerate(self.tensors)}

    def _add(self, tensor: Tensor) -> None:
        self.tensors.setdefault(tensor.name, tensor)

    def root(self, tensor: Tensor) -> Tensor:
        return self._alias.get(tensor.name, tensor)

    def buffer(self, tensor: Tensor, features: Shape | None = None) -> Buffer:
        """The kernel's buffer of a tensor, seen as `features` (its numbers in a row if None)."""
        root = self.root(tensor)
        shape = self.axes.shape(root, (root.size,) if features is None else features)
        found = Buffer(f"p{self._numbers[root.name]}", shape)
        self._used.setdefault(root.name, found)
        return found

    def table(self, table: Table, length: int | None = None) -> Buffer:
        """The kernel's buffer of a table, which all nets share; of another length where it is laid out
        otherwise."""
        found = Buffer(f"p{self._numbers[table.name]}", (length or table.length,))
        return self._used.setdefault(table.name, found)

    @property
    def used(self) -> tuple[tuple[int, Buffer], ...]:
        """The buffers that were asked for, with the numbers of their tensors."""
        order = sorted(self._used, key=self._numbers.__getitem__)
        return tuple((self._numbers[name], self._used[name]) for name in order)


def signature(
    group: Group, axes: Axes, alias: Mapping[str, Tensor]
) -> tuple[tuple[Any, ...], tuple[Tensor, ...]]:
    """What is equal for groups that differ in nothing but which memory they work on, and the group's tensors
    in the order of `Names`. It is asked for each group of a plan, so it makes one pass and no objects."""
    numbers: dict[str, int] = {}
    tensors: list[Tensor] = []
    parts: list[Any] = [group.kind]
    for step in group.steps:
        kind = type(step)
        parts += kind, TOLD[kind](step), len(step.inputs)
        for tensor in step.inputs + step.outputs + _besides(step):
            root = alias.get(tensor.name, tensor)
            number = numbers.setdefault(root.name, len(tensors))
            if number == len(tensors):
                tensors.append(root)
            parts += number, tensor.shape, tensor.batched
        if group.inside:
            parts += [tensor.name in group.inside for tensor in step.outputs]
        if isinstance(step, Sparse):  # where the entries are is read from memory
            parts += step.pattern.rows, step.pattern.columns, step.pattern.entries
    if axes.nets:
        parts += [axes.own(t) for t in tensors]
    return tuple(parts), tuple(tensors)


def _besides(step: Step) -> tuple[Tensor, ...]:
    """What a step reads that is no tensor of the plan."""
    if isinstance(step, Random):
        return SAMPLES, COUNTER
    return (table_of(step).tensor,) if isinstance(step, Sparse) else ()


# where the entries of a sparse matrix are is read from memory
TOLD = told_by((*PRIMITIVES, StartedMatMul), without={"pattern"})
