"""A block of channels at one place of a map [height, width, channels], and the maps that follow there."""

from collections.abc import Sequence
from itertools import count

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Compute, Load, Place, Statement, Store
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Map, Shape, Step, Tensor
from deltaplan.plugins.expressions import CONDITIONS, Op, walk
from deltaplan.records import dataclass


def plane(shape: Shape, axes: int) -> Shape:
    """[*sides, channels] as [height, width, channels]: one axis is a plane of height 1."""
    return shape if axes == 2 else (1, *shape)


CHEAP = {Op.CONST, Op.ARG, Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.ABS, Op.SIGN, Op.MAX, Op.MIN, Op.WHERE}
CHEAP |= CONDITIONS


def may_follow(first: Step, step: Step) -> bool:
    """Whether a map works on the same [*sides, channels], so that it can be carried out block by block, with
    little code: it is written out for each channel of a block."""
    if not isinstance(step, Map) or not is_cheap(step):
        return False
    shape = step.outputs[0].shape
    return shape == first.outputs[0].shape and all(_fits(t.shape, shape) for t in step.inputs)


def is_cheap(step: Map) -> bool:
    """Whether a map takes little code."""
    return all(node.op in CHEAP for node in walk(*step.expressions))


def _fits(shape: Shape, wide: Shape) -> bool:
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(wide), strict=False))


def tile(channels: int, places: int, axes: Axes) -> tuple[int, int, int]:
    """Vectors of samples, channels and places in a row at once: their sums fill the registers, each load
    serves many of them, and blocks are equal where they can be."""
    if axes.nets:
        return 1, _block(channels, axes.machine.sums // 2), 1
    vectors = [v for v in (1, 2, 4) if v <= max(1, axes.batch // axes.machine.lanes)]
    several = [1] if axes.by_features else [n for n in (1, 2, 3) if places % n == 0]
    choices = [(v, _block(channels, axes.machine.tile // (v * n)), n) for v in vectors for n in several]
    return min(choices, key=lambda c: (c[0] * c[2] + c[1]) / (c[0] * c[1] * c[2]))


def _block(count: int, most: int) -> int:
    """The size of equal blocks, or of almost equal ones where they would be less than half as large."""
    largest = max(b for b in range(1, min(count, most) + 1) if count % b == 0)
    return largest if 2 * largest >= min(count, most) else -(-count // -(-count // most))


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a block lies in a map of this shape: its row and column, and each of its channels."""

    shape: Shape
    place: tuple[Place, Place]
    channels: Sequence[Place]


class Tile:
    """The locals of a block of channels, whose names begin with `prefix`."""

    def __init__(self, group: Group, axes: Axes, names: Names, spot: Spot, prefix: str = "m") -> None:
        self.group, self.axes, self.names, self.spot = group, axes, names, spot
        self._locals: dict[tuple[str, int], str] = {}
        self._fresh = map(f"{prefix}{{}}".format, count())
        self._body: list[Statement] = []

    def statements(self, values: Sequence[str]) -> tuple[Statement, ...]:
        """What follows once the group's first step has its values."""
        first, *maps = self.group.steps
        for number, value in enumerate(values):
            self._keep(first.output, number, value)
        for number in range(len(values)):
            for step in maps:
                assert isinstance(step, Map)
                self._map(step, number)
        return tuple(self._body)

    def _map(self, step: Map, number: int) -> None:
        inputs = tuple(self._local(t, number) for t in step.inputs)
        outputs = tuple(next(self._fresh) for _ in step.outputs)
        self._body.append(Compute(outputs, step.expressions, inputs))
        for tensor, name in zip(step.outputs, outputs, strict=True):
            self._keep(tensor, number, name)

    def _local(self, tensor: Tensor, number: int) -> str:
        root = self.names.root(tensor)
        shape = (1,) * (3 - len(tensor.shape)) + tensor.shape
        number = number if shape[-1] > 1 else 0
        if (root.name, number) not in self._locals:
            self._locals[root.name, number] = name = next(self._fresh)
            index = self.axes.index(root, *self._index(shape, number))
            self._body.append(Load(name, self.names.buffer(tensor, shape), index))
        return self._locals[root.name, number]

    def _keep(self, tensor: Tensor, number: int, value: str) -> None:
        self._locals[tensor.name, number] = value
        if tensor.name not in self.group.inside:
            index = self.axes.index(tensor, *self._index(self.spot.shape, number))
            self._body.append(Store(self.names.buffer(tensor, self.spot.shape), index, value))

    def _index(self, shape: Shape, number: int) -> tuple[Place, ...]:
        """The block's places in a tensor that broadcasts to the map."""
        places = (*self.spot.place, self.spot.channels[number])
        return tuple(0 if n == 1 else place for n, place in zip(shape, places, strict=True))
