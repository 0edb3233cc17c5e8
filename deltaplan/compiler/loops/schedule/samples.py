"""Kernels for few numbers a sample: every feature is a local, nothing but the samples is a loop."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Compute,
    Draw,
    Fold,
    For,
    Index,
    Load,
    MultiplyAdd,
    Statement,
    Store,
    at,
)
from deltaplan.compiler.loops.nest import Place as Spot
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.blocks import columns_at_once, rows_at_once
from deltaplan.compiler.loops.schedule.elementwise import row_blocks
from deltaplan.compiler.loops.schedule.nearby import nearby
from deltaplan.compiler.loops.schedule.pipelined import pipelined
from deltaplan.compiler.loops.schedule.signature import COUNTER, SAMPLES, Names
from deltaplan.compiler.loops.starts import StartedMatMul, start_of
from deltaplan.compiler.steps import (
    ArgMax,
    Map,
    MatMul,
    Pick,
    Place,
    Put,
    Random,
    Reduce,
    Shape,
    Slice,
    Step,
    Tensor,
)
from deltaplan.plugins.expressions import Expr, argument, const, equal, maximum, where

X0, X1, X2 = (argument(f"x{i}") for i in range(3))
UNROLLED = 16  # features up to which a product is written out
LENGTH = 600  # statements that samples side by side may take, roughly
ODD = 16  # vectors of samples of which one more than an even number is much


def statements(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    """The nest of a group: with nets as lanes, some samples at once, for which a weight is loaded once."""
    if not axes.nets:
        writer = Samples(group, axes, names)
        return axes.each_sample(writer.statements(), writer.vectors())
    if _overlap(group, axes):
        return axes.each_net(_pipelined(group, axes, names))
    found: tuple[Statement, ...] = ()
    for begin, end, together in row_blocks(axes.batch, min(_together(group, axes), axes.batch)):
        body = axes.each_net(nearby(Samples(group, axes, names, _side_by_side(together)).statements()))
        found += (For(SAMPLE, end, body, step=together, begin=begin),)
    return found


def _overlap(group: Group, axes: Axes) -> bool:
    """Whether samples go through several layers one by one, each begun before the one before it has ended.
    (Side by side they wait on the stack with 16 registers: on Zen 3 that takes up to half as long again in
    layers of 8 to 10, and a tenth longer in those of 5.)"""
    products = sum(isinstance(step, MatMul) for step in group.steps)
    return products > 1 and axes.batch > 1 and axes.machine.registers < 32


def _pipelined(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    own: dict[str, Spot] = {"f": 0, "t": SAMPLE, "b": at(SAMPLE, -1), "l": axes.batch - 1}  # names and places
    bodies = [nearby(Samples(group, axes, names, (p,), stem).statements()) for stem, p in own.items()]
    return pipelined(SAMPLE, axes.batch, *bodies)


def _side_by_side(samples: int) -> tuple[Spot, ...]:
    return tuple(at(SAMPLE, n) for n in range(samples))


def _together(group: Group, axes: Axes) -> int:
    """Samples side by side: more than one only for products, which then share weights, while the code
    stays short."""
    products = [step for step in group.steps if isinstance(step, MatMul)]
    length = sum(t.size for step in group.steps for t in step.outputs)
    length += sum(prod(step.inputs[0].shape) for step in products)
    length += sum(100 * step.output.size for step in group.steps if isinstance(step, Random))
    if len(products) != 1:  # through whole nets, three are fastest
        return next((n for n in (3, 2) if products and n * length <= LENGTH), 1)
    choices = [n for n in (4, 2, 1) if n == 1 or n * length <= LENGTH]
    return columns_at_once(products[0].output.size, axes.machine.registers, choices)


class Samples:
    """The body of a kernel for a group of steps on samples, those at some places of the batch side by side.
    Names of locals begin with `stem`."""

    def __init__(
        self, group: Group, axes: Axes, names: Names, places: Sequence[Spot] = (SAMPLE,), stem: str = "t"
    ) -> None:
        self.group, self.axes, self.names, self.places, self.stem = group, axes, names, places, stem
        self.sample = 0  # the one at hand
        self.body: list[Statement] = []
        self._locals: dict[tuple[str, int, int], str] = {}
        self._count = 0

    def statements(self) -> tuple[Statement, ...]:
        for run in self._runs():
            first, *maps = run
            if maps:
                self._row_by_row(first, maps)  # type: ignore[arg-type]
                continue
            if isinstance(first, MatMul):
                matmul(self, first)
            else:
                for _ in self.each():
                    WRITERS[type(first)](self, first)
            for _ in self.each():
                for tensor in first.outputs:
                    self._store(tensor)
        return tuple(self.body)

    def _runs(self) -> list[list[Step]]:
        """The steps; where there are few registers, a product together with the maps of its rows, so that no
        row waits in one for the others. (On Zen 3 that is up to a fifth faster where a row leaves two numbers
        and a fifth slower where it leaves one.)"""
        few = not self.axes.nets and self.axes.machine.registers < 32
        runs: list[list[Step]] = []
        for step in self.group.steps:
            if few and isinstance(step, Map) and runs and self._is_of_rows(step, runs[-1]):
                runs[-1].append(step)
            else:
                runs.append([step])
        return [part for run in runs for part in ([run] if self._leaves_two(run) else [[s] for s in run])]

    def _leaves_two(self, run: Sequence[Step]) -> bool:
        return sum(t.name not in self.group.inside for step in run for t in step.outputs) > 1

    def _is_of_rows(self, step: Map, run: Sequence[Step]) -> bool:
        """Whether a map takes what the run makes row by row."""
        product, shape = run[0], step.outputs[0].shape
        if not isinstance(product, MatMul) or product.output.shape != shape:
            return False
        made = {tensor.name for before in run for tensor in before.outputs}
        own = [t for t in step.inputs if {t.name, self.names.root(t).name} & made]
        return is_written_by_rows(self, product) and all(t.shape == shape for t in own)

    def _row_by_row(self, product: MatMul, maps: Sequence[Map]) -> None:
        sources = [_sources(step) for step in maps]
        for row in range(product.output.size):
            product_rows(self, product, range(row, row + 1))
            for step, found in zip(maps, sources, strict=True):
                map_row(self, step, row, found)
            for tensor in (t for step in (product, *maps) for t in step.outputs):
                self._store_row(tensor, row)

    def each(self) -> Iterator[int]:
        """The samples, one after the other at hand."""
        for sample in range(len(self.places)):
            self.sample = sample
            yield sample

    def vectors(self) -> int:
        """Two vectors of samples at once where that halves the loads of weights and registers suffice. Where
        they are few and odd, code for one and for two takes three times as long to compile as that for one,
        which runs a twentieth slower (on Zen 3)."""
        registers, count = self.axes.machine.registers, self.axes.vectors
        widest = max(t.size for step in self.group.steps for t in step.outputs)
        products = any(isinstance(step, MatMul) for step in self.group.steps)
        odd = registers < 32 and count % 2 == 1 and count < ODD
        return 2 if products and count > 1 and 3 * widest < registers and not odd else 1

    def blocks(self, rows: int) -> Iterator[tuple[int, int, int]]:
        """The rows of a product in blocks: with nets as lanes as many as registers hold the sums of."""
        registers = self.axes.machine.registers
        return row_blocks(rows, rows_at_once(rows, len(self.places), registers) if self.axes.nets else 1)

    def fresh(self) -> str:
        self._count += 1
        return f"{self.stem}{self._count}"

    def row(self, tensor: Tensor, feature: int) -> str:
        """The local of one feature: read from memory where the group does not compute it."""
        root = self.names.root(tensor)
        key = root.name, feature, self.sample if root.batched else 0
        if key not in self._locals:
            self._locals[key] = name = self.fresh()
            self.body.append(Load(name, self.names.buffer(root), self.index(root, feature)))
        return self._locals[key]

    def index(self, tensor: Tensor, *features: Spot) -> Index:
        """The place of a feature of the sample at hand."""
        found = self.axes.index(tensor, *features)
        return tuple(self.places[self.sample] if place == SAMPLE else place for place in found)

    def has(self, tensor: Tensor) -> bool:
        """Whether the group has the tensor in locals."""
        return (self.names.root(tensor).name, 0, 0) in self._locals

    def set(self, tensor: Tensor, feature: int, name: str) -> None:
        self._locals[tensor.name, feature, self.sample] = name

    def one(self, expression: Expr, *inputs: str) -> str:
        """A local with the value of an expression of x0, x1, …"""
        (name,) = self.compute((expression,), inputs)
        return name

    def compute(self, expressions: Sequence[Expr], inputs: Sequence[str]) -> tuple[str, ...]:
        outputs = tuple(self.fresh() for _ in expressions)
        self.body.append(Compute(outputs, tuple(expressions), tuple(inputs)))
        return outputs

    def _store(self, tensor: Tensor) -> None:
        for feature in range(tensor.size):
            self._store_row(tensor, feature)

    def _store_row(self, tensor: Tensor, feature: int) -> None:
        if tensor.name not in self.group.inside:
            name = self._locals[tensor.name, feature, self.sample]
            self.body.append(Store(self.names.buffer(tensor), self.index(tensor, feature), name))


def map_(w: Samples, step: Map) -> None:
    sources = _sources(step)
    for feature in range(step.outputs[0].size):
        map_row(w, step, feature, sources)


def _sources(step: Map) -> list[list[int]]:
    """For each input the place of what each number of the outputs is made of."""
    return [list(broadcast(t.shape, step.outputs[0].shape)) for t in step.inputs]


def map_row(w: Samples, step: Map, feature: int, sources: Sequence[Sequence[int]]) -> None:
    inputs = [w.row(t, source[feature]) for t, source in zip(step.inputs, sources, strict=True)]
    for tensor, name in zip(step.outputs, w.compute(step.expressions, inputs), strict=True):
        w.set(tensor, feature, name)


def broadcast(shape: Shape, wide: Shape) -> Iterator[int]:
    """For each number of a tensor of shape `wide` the place of its source in one that broadcasts to it."""
    padded = (1,) * (len(wide) - len(shape)) + tuple(shape)
    strides, stride = [], 1
    for length in reversed(padded):
        strides.append(0 if length == 1 else stride)
        stride *= length
    strides.reverse()
    for places in product(*map(range, wide)):
        yield sum(p * s for p, s in zip(places, strides, strict=True))


def matmul(w: Samples, step: MatMul) -> None:
    rows, inner = _sizes(step)
    if not is_written_by_rows(w, step):
        _fold_product(w, step, rows, inner)
        return
    for begin, end, high in w.blocks(rows):
        for first in range(begin, end, high):
            product_rows(w, step, range(first, first + high))


def _sizes(step: MatMul) -> tuple[int, int]:
    """The rows of a product, and how many numbers each is summed over."""
    first, second = step.inputs[0].shape
    return (second, first) if step.transpose_a else (first, second)


def is_written_by_rows(w: Samples, step: MatMul) -> bool:
    """Whether no loop goes over the features that come in."""
    return _sizes(step)[1] <= UNROLLED or w.has(step.inputs[1])


def product_rows(w: Samples, step: MatMul, block: range) -> None:
    """Some rows of a product, whose sums grow side by side."""
    a, b = step.inputs[:2]
    start = start_of(step)
    rows, inner = _sizes(step)
    totals = {(i, n): w.row(start, i) if start else None for i in block for n in w.each()}
    for k in range(inner):
        for i in block:
            weight = w.row(a, k * rows + i if step.transpose_a else i * inner + k)
            for sample in w.each():
                name = w.fresh()
                w.body.append(MultiplyAdd(name, totals[i, sample], weight, w.row(b, k)))
                totals[i, sample] = name
    for i in block:
        for sample in w.each():
            w.set(step.output, i, str(totals[i, sample]))


def _fold_product(w: Samples, step: MatMul, rows: int, inner: int) -> None:
    """A loop over the features that come in, with the sums of all that go out in registers."""
    a, b = (w.names.root(t) for t in step.inputs[:2])
    start = start_of(step)
    matrix, x = w.names.buffer(a, step.inputs[0].shape), w.names.buffer(b)
    taken = [w.fresh() for _ in w.places]
    body: list[Statement] = []
    for sample in w.each():
        body.append(Load(taken[sample], x, w.index(b, "k")))
    accumulators = []
    for i in range(rows):
        weight = w.fresh()
        place = ("k", i) if step.transpose_a else (i, "k")
        body.append(Load(weight, matrix, w.axes.index(a, *place)))
        for sample in w.each():
            total = w.fresh()
            first = w.row(start, i) if start else None
            accumulators.append(Accumulator(total, (weight, taken[sample]), first=first))
            w.set(step.output, i, total)
    w.body.append(Fold("k", inner, tuple(body), tuple(accumulators), unroll=2))


def reduce(w: Samples, step: Reduce) -> None:
    (x,) = step.inputs
    combine = X0 + X1 if step.kind == "sum" else maximum(X0, X1)
    kept = tuple(1 if axis in step.axes else n for axis, n in enumerate(x.shape))
    totals: dict[int, str] = {}
    for feature, target in enumerate(broadcast(kept, x.shape)):
        row = w.row(x, feature)
        totals[target] = w.one(combine, totals[target], row) if target in totals else row
    for target, name in totals.items():
        w.set(step.output, target, name)


def pick(w: Samples, step: Pick) -> None:
    x, index = step.inputs
    each = prod(x.shape[step.axes :])
    for place in range(step.output.size):
        number, behind = w.row(index, place), place % each
        chosen = w.row(x, behind)
        for n in range(1, x.size // each):
            row = w.row(x, n * each + behind)
            chosen = w.one(where(equal(X0, n), X1, X2), number, row, chosen)
        w.set(step.output, place, chosen)


def put(w: Samples, step: Put) -> None:
    value, index = step.inputs
    each = prod(step.output.shape[step.axes :])
    for feature in range(step.output.size):
        n, behind = divmod(feature, each)
        total = None
        for place in range(behind, value.size, each):
            given = w.row(index, place), w.row(value, place)
            if total is None:
                total = w.one(where(equal(X0, n), X1, 0), *given)
            else:
                total = w.one(X2 + where(equal(X0, n), X1, 0), *given, total)
        assert total is not None
        w.set(step.output, feature, total)


def argmax(w: Samples, step: ArgMax) -> None:
    """The first of the largest numbers; the first that is not a number, if any is not."""
    (x,) = step.inputs
    best, number = w.row(x, 0), w.one(const(0) + 0 * X0, w.row(x, 0))
    for feature in range(1, x.size):
        row = w.row(x, feature)
        better = (X0 > X1) | (~equal(X0, X0) & equal(X1, X1))
        best, number = w.compute((where(better, X0, X1), where(better, feature, X2)), (row, best, number))
    w.set(step.output, 0, number)


def slice_(w: Samples, step: Slice) -> None:
    (x,) = step.inputs
    for target, source in enumerate(_range(x.shape, step.axis, step.begin, step.end, step.reverse)):
        w.set(step.output, target, w.row(x, source))


def place(w: Samples, step: Place) -> None:
    shape = step.output.shape
    found: dict[int, str] = {}
    for tensor, begin in zip(step.inputs, step.begins, strict=True):
        targets = _range(shape, step.axis, begin, begin + tensor.shape[step.axis])
        found |= {target: w.row(tensor, source) for source, target in enumerate(targets)}
    zero = None
    for feature in range(prod(shape)):
        if feature not in found:
            zero = zero or w.one(const(0.0))
        w.set(step.output, feature, found.get(feature) or str(zero))


def _range(shape: Shape, axis: int, begin: int, end: int, reverse: bool = False) -> Iterator[int]:
    """The places in a tensor of this shape of the numbers from `begin` to `end` on one axis, or back."""
    inner = prod(shape[axis + 1 :])
    for outer in range(prod(shape[:axis])):
        for i in reversed(range(begin, end)) if reverse else range(begin, end):
            first = (outer * shape[axis] + i) * inner
            yield from range(first, first + inner)


def random(w: Samples, step: Random) -> None:
    sample = w.row(SAMPLES, 0)
    state = w.names.buffer(COUNTER)
    size = step.output.size
    for group in range(-(-size // 4)):
        a, b, c, d = (w.fresh() for _ in range(4))
        w.body.append(Draw((a, b, c, d), state, step.node, sample, group, *w.axes.net))
        for feature, name in zip(range(4 * group, size), (a, b, c, d), strict=False):
            w.set(step.output, feature, name)


WRITERS: Mapping[type[Step], Callable[[Samples, Any], None]] = {
    Map: map_,
    MatMul: matmul,
    StartedMatMul: matmul,
    Reduce: reduce,
    Pick: pick,
    Put: put,
    ArgMax: argmax,
    Slice: slice_,
    Place: place,
    Random: random,
}


def is_written_out(step: Step) -> bool:
    """Whether a step on few numbers is written out number by number."""
    match step:
        case Pick() | Put():
            return step.output.size * max(t.size for t in step.inputs) <= 256
        case ArgMax():
            return step.window is None
        case _:
            return type(step) in WRITERS
