"""Kernels for many numbers a sample: blocks of rows, each a product and the maps that follow it."""

from deltaplan.compiler.loops.groups import Group, is_product
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Affine,
    Buffer,
    Compute,
    Fold,
    For,
    Load,
    Place,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.loops.starts import start_of
from deltaplan.compiler.steps import Map, MatMul, Tensor

ROW, PANEL = "j", "p"
BLOCKS = 8  # of rows in a panel of a transposed matrix
LARGE = 32 * 1024  # numbers of a matrix whose columns do not stay in the first cache


def width_of(group: Group) -> int:
    """The rows that a group works through."""
    return group.steps[0].outputs[0].size


def may_follow(group: Group, step: Map) -> bool:
    """Whether a map works on the same rows as the group, one at a time."""
    out = step.outputs[0]
    rows = width_of(group)
    return (
        all(isinstance(s, Map) or is_product(s) for s in group.steps)
        and out.shape == (rows,)
        and all(t.shape in ((rows,), (), (1,)) for t in step.inputs)
    )


def is_rowwise(step: Map) -> bool:
    """Whether a map takes rows of a vector alone."""
    out = step.outputs[0]
    return len(out.shape) == 1 and all(t.shape in (out.shape, (), (1,)) for t in step.inputs)


def statements(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    rows = width_of(group)
    vectors, block = tile(rows, axes)
    if not is_product(group.steps[0]):
        vectors, block = 1, 1
    elif _is_packed(group.steps[0], axes):  # type: ignore[arg-type]
        return _panels(group, axes, names)
    body: tuple[Statement, ...] = ()
    for begin, end, height in row_blocks(rows, block):
        inner = axes.each_sample(axes.each_net(_rows(group, axes, names, height)), vectors)
        body += (For(ROW, end, inner, step=height, begin=begin),)
    return body


def _is_packed(product: MatMul, axes: Axes) -> bool:
    """Whether the numbers that a block of rows takes from a transposed matrix are put side by side first: in
    memory they lie columns apart, often at one place of the cache."""
    large = product.inputs[0].size >= LARGE
    return product.transpose_a and large and not axes.nets and axes.machine.registers < 32


def _panels(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    """A panel of columns of the matrix is copied, then come the blocks of rows that take it."""
    vectors, block = tile(width_of(group), axes)
    matrix = group.steps[0].inputs[0]
    inner, rows = matrix.shape
    wide = min(rows, BLOCKS * block)
    scratch, given = Buffer("scratch", (inner, wide)), names.buffer(names.root(matrix), matrix.shape)
    body: tuple[Statement, ...] = ()
    for first, last, columns in row_blocks(rows, wide):
        copied = (Load("w", given, ("k", Affine(((PANEL, 1), ("c", 1))))), Store(scratch, ("k", "c"), "w"))
        each: tuple[Statement, ...] = (For("k", inner, (For("c", columns, copied, "lanes"),)),)
        for begin, end, height in row_blocks(columns, block):
            inside = axes.each_sample(_rows(group, axes, names, height, scratch), vectors)
            each += (For(ROW, end, inside, step=height, begin=begin),)
        body += (For(PANEL, last, each, step=columns, begin=first),)
    return body


def one_by_one(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    """A row at a time, in one loop."""
    body = axes.each_sample(_rows(group, axes, names, 1))
    return (For(ROW, width_of(group), body),)


def tile(rows: int, axes: Axes) -> tuple[int, int]:
    """Vectors of samples and rows at once: as many sums as registers hold beside what they are made of."""
    if axes.nets:
        return 1, min(rows, 12 if axes.machine.registers >= 32 else 4)
    vectors = max(v for v in (1, 2, 4) if v <= axes.vectors)
    if axes.machine.registers < 32:
        vectors = min(vectors, 2)
    most = min(rows, axes.machine.tile // vectors)
    blocks = -(-rows // most)
    return vectors, -(-rows // blocks)


def _rows(
    group: Group, axes: Axes, names: Names, height: int, panel: Buffer | None = None
) -> tuple[Statement, ...]:
    writer = Rows(group, axes, names, panel)
    steps = list(group.steps)
    body: list[Statement] = []
    if is_product(steps[0]):
        body += writer.product(steps.pop(0), height)  # type: ignore[arg-type]
        for number in range(height):
            writer.keep(group.steps[0].output, number, body)
    for number in range(height):
        for step in steps:
            assert isinstance(step, Map)
            writer.map(step, number, body)
    return tuple(body)


class Rows:
    """The locals of a block of rows; with a `panel` they are counted from its first, and it has their columns
    of the matrix."""

    def __init__(self, group: Group, axes: Axes, names: Names, panel: Buffer | None = None) -> None:
        self.group, self.axes, self.names, self.panel = group, axes, names, panel
        self._locals: dict[tuple[str, int], str] = {}
        self._count = 0

    def product(self, step: MatMul, height: int) -> list[Statement]:
        """Row sums of weights times what comes in, over all that comes in."""
        b = self.names.root(step.inputs[1])
        start, before = start_of(step), []  # type: tuple[Tensor | None, list[Statement]]
        inner = step.inputs[0].shape[0 if step.transpose_a else 1]
        x = self.names.buffer(b)
        taken = self._fresh()
        body: list[Statement] = [Load(taken, x, self.axes.index(b, "k"))]
        accumulators = []
        for number in range(height):
            weight, total = self._fresh(), self._fresh()
            body.append(self._weight(step, weight, number))
            first = self.local(start, number, before) if start else None
            accumulators.append(Accumulator(total, (weight, taken), first=first))
            self._locals[step.output.name, number] = total
        most = self.axes.machine.turns(height)
        unroll = next(n for n in (4, 2, 1) if n <= most and inner % n == 0)
        return [*before, Fold("k", inner, tuple(body), tuple(accumulators), unroll=unroll)]

    def _weight(self, step: MatMul, name: str, number: int) -> Load:
        if self.panel:
            return Load(name, self.panel, ("k", at(ROW, number)))
        a, row = self.names.root(step.inputs[0]), self.row(number)
        place = ("k", row) if step.transpose_a else (row, "k")
        return Load(name, self.names.buffer(a, step.inputs[0].shape), self.axes.index(a, *place))

    def row(self, number: int) -> Place:
        """The place of a row of the block."""
        return Affine(((PANEL, 1), (ROW, 1)), number) if self.panel else at(ROW, number)

    def after(self, value: str) -> tuple[Statement, ...]:
        """What becomes of a row once the first step has its value: the maps that follow."""
        first, *steps = self.group.steps
        body: list[Statement] = []
        self._locals[first.outputs[0].name, 0] = value
        self.keep(first.outputs[0], 0, body)
        for step in steps:
            assert isinstance(step, Map)
            self.map(step, 0, body)
        return tuple(body)

    def map(self, step: Map, number: int, body: list[Statement]) -> None:
        inputs = tuple(self.local(t, number, body) for t in step.inputs)
        outputs = tuple(self._fresh() for _ in step.outputs)
        body.append(Compute(outputs, step.expressions, inputs))
        for tensor, name in zip(step.outputs, outputs, strict=True):
            self._locals[tensor.name, number] = name
            self.keep(tensor, number, body)

    def local(self, tensor: Tensor, number: int, body: list[Statement]) -> str:
        root = self.names.root(tensor)
        key = root.name, number if tensor.size > 1 else 0
        if key not in self._locals:
            place: Place = self.row(number) if tensor.size > 1 else 0
            self._locals[key] = name = self._fresh()
            body.append(Load(name, self.names.buffer(root), self.axes.index(root, place)))
        return self._locals[key]

    def keep(self, tensor: Tensor, number: int, body: list[Statement]) -> None:
        if tensor.name not in self.group.inside:
            index = self.axes.index(tensor, self.row(number))
            body.append(Store(self.names.buffer(tensor), index, self._locals[tensor.name, number]))

    def _fresh(self) -> str:
        self._count += 1
        return f"t{self._count}"
