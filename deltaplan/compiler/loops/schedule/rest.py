"""What comes after the leading axes of tensors, as one axis of lanes where it can be."""

from collections.abc import Sequence
from math import prod

from deltaplan.compiler.loops.nest import Buffer, For, Load, Place, Statement, Store
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Shape, Tensor

REST = "r"


class Rest:
    """The last axes of some tensors, `inner` features long. Where all of them have the same samples and nets,
    these and the features are one axis; else features, samples and nets are loops."""

    def __init__(self, axes: Axes, names: Names, tensors: Sequence[Tensor], inner: int) -> None:
        self.axes, self.names, self.inner = axes, names, inner
        self._batched = any(t.batched for t in tensors)
        behind = {axes.numbers(names.root(t)) // t.size for t in tensors}
        alike = len(behind) == 1 and not axes.by_features
        self._length = inner * next(iter(behind)) if alike else None

    def load(self, name: str, tensor: Tensor, leading: Shape, places: Sequence[Place]) -> Load:
        """A number of a tensor whose leading axes, as one likes to see them, are given."""
        buffer = self.names.buffer(tensor, (*leading, self.inner))
        if self._length is None:
            return Load(name, buffer, self.axes.index(self.names.root(tensor), *places, REST))
        whole = Buffer(buffer.name, (*leading, self._length))
        return Load(name, whole, (*places, REST))

    def store(self, name: str, tensor: Tensor, leading: Shape, places: Sequence[Place]) -> Store:
        load = self.load(name, tensor, leading, places)
        return Store(load.buffer, load.index, name)

    def each(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        """The body for all that is there."""
        if self._length is not None:
            return (For(REST, self._length, body, "lanes"),)
        if self.axes.by_features:
            along = (For(REST, self.inner, body, "lanes"),)
            return self.axes.each_sample(along) if self._batched else along
        body = self.axes.each_net(body)
        return (For(REST, self.inner, self.axes.each_sample(body) if self._batched else body),)


def leading(tensor: Tensor, axis: int) -> Shape:
    """The axes up to one of them, as two."""
    return prod(tensor.shape[:axis]), tensor.shape[axis]
