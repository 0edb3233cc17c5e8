"""The closed set of primitives: a plan is a list of these steps in static single assignment form.

A tensor is written by one step and has the shape of one sample; `batched` adds the batch as one more, last
axis, [features, B], so a matrix product sees a batched vector [k] as the matrix [k, B]. In maps, shapes of
samples broadcast as in numpy (aligned at their end), and what has no batch is the same for each sample.
"""

from dataclasses import dataclass, field
from math import prod
from typing import Literal

from deltaplan.plugins.expressions import Expr

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value with a name of its own in the plan. Names that begin with `%` are temporaries."""

    name: str
    shape: Shape
    batched: bool = False
    kind: Literal["real", "index"] = "real"

    @property
    def size(self) -> int:
        """Numbers for one sample."""
        return prod(self.shape)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One primitive: what it reads, what it writes, and the node of the graph that it comes from.

    `formula` is the step in the lecture's notation, with {0}, {1}, … for the inputs; without one, printers
    write the step out.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    origin: str = ""
    formula: str = field(default="", compare=False)

    @property
    def output(self) -> Tensor:
        """The only output."""
        (tensor,) = self.outputs
        return tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class MatMul(Step):
    """a[m, k] b[k, n] → [m, n], each operand transposed first where its flag says so."""

    transpose_a: bool = False
    transpose_b: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(Step):
    """Elementwise expressions, one for each output, over the arguments `x0`, `x1`, … (the inputs in order).

    All outputs have one shape, to which the inputs broadcast.
    """

    expressions: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce(Step):
    """Sum or maximum over axes of the sample's shape and, with `batch`, over the samples.

    With `stop` the derivative is cut: the result counts as a constant.
    """

    kind: Literal["sum", "max"]
    axes: tuple[int, ...]
    batch: bool = False
    stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Step):
    """gather of a contiguous range: x[begin:end] on one axis of the sample's shape."""

    axis: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Step):
    """scatter_add of contiguous ranges: the inputs on one axis from `begins` on, zeros elsewhere."""

    axis: int
    begins: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick(Step):
    """gather by an index for each sample: x[i] of a vector x and i of kind `index`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Step):
    """scatter_add by an index for each sample: the adjoint of `Pick`; zeros elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgMax(Step):
    """The index of the first largest number of a vector, for each sample; it has no derivative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Random(Step):
    """Uniform numbers of [0, 1) from the counter (step, node, sample, feature): the same on replay."""

    node: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Step):
    """The same numbers under another shape. Costs nothing: backends give the same memory."""


PRIMITIVES: tuple[type[Step], ...] = (MatMul, Map, Reduce, Slice, Place, Pick, Put, ArgMax, Random, View)


def flops(step: Step, batch: int) -> int:
    """Floating-point operations of a step on `batch` samples: a multiply-add is two, a map one for each
    operation of its expressions."""
    from deltaplan.plugins.expressions import Op, walk

    match step:
        case MatMul():
            a, b = (matrix(tensor, batch) for tensor in step.inputs)
            rows, inner = reversed(a) if step.transpose_a else a
            columns = b[0] if step.transpose_b else b[1]
            return 2 * rows * inner * columns
        case Map():
            nodes = {node for e in step.expressions for node in walk(e)}
            operations = sum(node.op not in (Op.CONST, Op.ARG) for node in nodes)
            return operations * numbers(step.outputs[0], batch)
        case Reduce():
            return numbers(step.inputs[0], batch)
        case _:
            return 0


def matrix(tensor: Tensor, batch: int) -> tuple[int, int]:
    """The rows and columns that a matrix product sees."""
    if tensor.batched:
        return tensor.size, batch
    return tensor.shape[0], tensor.size // tensor.shape[0] if len(tensor.shape) > 1 else 1


def numbers(tensor: Tensor, batch: int) -> int:
    """Numbers in a tensor at this batch size."""
    return tensor.size * (batch if tensor.batched else 1)
