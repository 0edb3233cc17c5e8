"""What makes two groups of steps the same kernel, and the buffers that a kernel names its tensors by."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Buffer
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.starts import StartedMatMul
from deltaplan.compiler.steps import PRIMITIVES, Random, Shape, Step, Tensor

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
            if isinstance(step, Random):
                self._add(SAMPLES)
                self._add(COUNTER)
        self._numbers = {name: number for number, name in enumerate(self.tensors)}

    def _add(self, tensor: Tensor) -> None:
        self.tensors.setdefault(tensor.name, tensor)

    def root(self, tensor: Tensor) -> Tensor:
        return self._alias.get(tensor.name, tensor)

    def number(self, tensor: Tensor) -> int:
        return self._numbers[self.root(tensor).name]

    def buffer(self, tensor: Tensor, features: Shape | None = None) -> Buffer:
        """The kernel's buffer of a tensor, seen as `features` (its numbers in a row if None)."""
        root = self.root(tensor)
        shape = self.axes.shape(root, (root.size,) if features is None else features)
        found = Buffer(f"p{self._numbers[root.name]}", shape)
        self._used.setdefault(root.name, found)
        return found

    @property
    def used(self) -> tuple[tuple[int, Buffer], ...]:
        """The buffers that were asked for, with the numbers of their tensors."""
        order = sorted(self._used, key=self._numbers.__getitem__)
        return tuple((self._numbers[name], self._used[name]) for name in order)


def signature(group: Group, names: Names) -> tuple[Any, ...]:
    """Equal for groups that differ in nothing but which memory they work on."""
    return (
        group.kind,
        *((type(s), *(_attributes(s)), *_tensors(s, group, names)) for s in group.steps),
        tuple(names.axes.own(t) for t in names.tensors.values()) if names.axes.nets else (),
    )


def _tensors(step: Step, group: Group, names: Names) -> tuple[Any, ...]:
    inputs = tuple((names.number(t), t.shape, t.batched) for t in step.inputs)
    return inputs, tuple((names.number(t), t.shape, t.batched, t.name in group.inside) for t in step.outputs)


def _attributes(step: Step) -> tuple[Any, ...]:
    return tuple(getattr(step, name) for name in OWN_FIELDS[type(step)])


COMMON = frozenset(field.name for field in fields(Step))
KINDS = (*PRIMITIVES, StartedMatMul)
OWN_FIELDS = {kind: tuple(f.name for f in fields(kind) if f.name not in COMMON) for kind in KINDS}
