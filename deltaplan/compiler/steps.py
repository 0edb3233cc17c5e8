"""The closed set of primitives: a plan is a list of these steps in static single assignment form.

A tensor is written by one step and has the shape of one sample; `batched` adds the batch as one more, last
axis, [features, B], so a matrix product sees a batched vector [k] as the matrix [k, B]. In maps, shapes of
samples broadcast as in numpy (aligned at their end), and what has no batch is the same for each sample.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import field, fields
from functools import cache
from math import prod
from operator import attrgetter
from typing import Literal

from deltaplan.compiler.windows import Window
from deltaplan.plugins.expressions import Expr, walk
from deltaplan.plugins.expressions.ops import LEAVES
from deltaplan.records import dataclass

Shape = tuple[int, ...]
Slot = Literal["x", "w", "y"]
SLOTS: tuple[Slot, ...] = ("x", "w", "y")


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

    def __hash__(self) -> int:
        return hash(self.name)  # which is known, and no two tensors of a plan share one


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
class Conv(Step):
    """Convolution, as the trilinear form Σ y[i, o] w[o, k, c] x[i·stride + k·dilation − before, c] whose
    `slot` is what the step writes: the derivative of the form by it, from the other two in the order x, w, y.

    `y`: x [*sides, channels], w [out, *kernel, channels / groups] → y [*places, out]; `x`: the transposed
    convolution of y; `w`: what the kernel gets from x and y, summed over the samples.
    """

    slot: Slot
    window: Window
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which `entries` of a matrix [rows, columns] there are, at least one in each row. They depend on seed
    and stream alone: `runtime.patterns` draws them."""

    rows: int
    columns: int
    entries: int
    seed: int
    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparse(Step):
    """The product with a matrix that has entries on a pattern alone, as a trilinear form like `Conv`: w holds
    the entries, row by row.

    `y`: x [columns], w [entries] → y [rows]; `x`: the transposed matrix times y; `w`: the entries of y xᵀ on
    the pattern, summed over the samples.
    """

    slot: Slot
    pattern: Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Step):
    """Sum or maximum of what a window sees, channel by channel: [*sides, channels] → [*places, channels].

    Padding counts as 0 in a sum and not at all in a maximum; each place sees a number of the sample.
    """

    kind: Literal["sum", "max"]
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpool(Step):
    """The adjoint of the `Pool` of sums: each number to all that its window sees. Where windows lie side by
    side it repeats numbers: nearest upsampling."""

    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(Step):
    """Elementwise expressions, one for each output, over the arguments `x0`, `x1`, … (the inputs in order).

    All outputs have one shape, to which the inputs broadcast.
    """

    expressions: tuple[Expr, ...]


def host_functions(step: Step) -> tuple[str, ...]:
    """The plain numpy functions in a step, by name: only the host can call them."""
    expressions = step.expressions if isinstance(step, Map) else ()
    return tuple(str(e.name) for e in walk(*expressions) if e.function is not None)


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
    """gather of a contiguous range: x[begin:end] on one axis of the sample's shape; with `reverse` from its
    end to its beginning."""

    axis: int
    begin: int
    end: int
    reverse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Step):
    """scatter_add of contiguous ranges: the inputs on one axis from `begins` on, zeros elsewhere."""

    axis: int
    begins: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick(Step):
    """gather by an index for each sample: x[i] over the first `axes` axes of x, counted row by row.

    i, of kind `index`, has the shape of the result, and ends with the axes of x that come after.
    """

    axes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Step):
    """scatter_add by an index for each sample: the adjoint of `Pick`; zeros elsewhere. With a `window`, the
    index is what `ArgMax` finds in it: each number is among those that the window sees at its place."""

    axes: int = 1
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgMax(Step):
    """The index of the first largest number, for each sample: of a vector, or with a `window` of what it sees
    at each place and in each channel, as an index for `Pick` over the window's axes. It has no derivative."""

    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Random(Step):
    """Uniform numbers of [0, 1) from the counter (step, node, sample, feature): the same on replay."""

    node: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Step):
    """The same numbers under another shape. Costs nothing: backends give the same memory."""


PRIMITIVES: tuple[type[Step], ...] = (
    MatMul,
    Conv,
    Sparse,
    Pool,
    Unpool,
    Map,
    Reduce,
    Slice,
    Place,
    Pick,
    Put,
    ArgMax,
    Random,
    View,
)


def told_by(
    kinds: Iterable[type[Step]], without: Collection[str] = ()
) -> dict[type[Step], Callable[[Step], object]]:
    """For each kind of step what takes from it all that it tells besides its tensors and where it comes from,
    `without` some fields."""
    common = {field.name for field in fields(Step)} | {*without}
    own = {kind: [f.name for f in fields(kind) if f.name not in common] for kind in kinds}
    return {kind: attrgetter(*names) if names else _nothing for kind, names in own.items()}


def _nothing(step: Step) -> None:
    """What a kind of step tells that has no fields of its own."""


def slots_of(step: Conv | Sparse) -> dict[Slot, Tensor]:
    """The three tensors of a trilinear form by their slots."""
    names = [slot for slot in SLOTS if slot != step.slot]
    return {step.slot: step.output, **dict(zip(names, step.inputs, strict=True))}


def flops(step: Step, batch: int) -> int:
    """Floating-point operations of a step on `batch` samples: a multiply-add is two, a map one for each
    operation of its expressions. Convolutions count their padding."""
    match step:
        case MatMul():
            a, b = (matrix(tensor, batch) for tensor in step.inputs)
            rows, inner = reversed(a) if step.transpose_a else a
            columns = b[0] if step.transpose_b else b[1]
            return 2 * rows * inner * columns
        case Conv():
            found = slots_of(step)
            return 2 * numbers(found["y"], batch) * (found["w"].size // found["w"].shape[0])
        case Sparse():
            return 2 * step.pattern.entries * (batch if slots_of(step)["y"].batched else 1)
        case Pool():
            return step.window.size * numbers(step.output, batch)
        case Unpool():
            return step.window.size * numbers(step.inputs[0], batch)
        case Map():
            return operations(step.expressions) * numbers(step.outputs[0], batch)
        case Reduce():
            return numbers(step.inputs[0], batch)
        case _:
            return 0


@cache
def operations(expressions: tuple[Expr, ...]) -> int:
    """The distinct operations of some expressions."""
    nodes = {node for e in expressions for node in walk(e)}
    return sum(node.op not in LEAVES for node in nodes)


def matrix(tensor: Tensor, batch: int) -> tuple[int, int]:
    """The rows and columns that a matrix product sees."""
    if tensor.batched:
        return tensor.size, batch
    return tensor.shape[0], tensor.size // tensor.shape[0] if len(tensor.shape) > 1 else 1


def numbers(tensor: Tensor, batch: int) -> int:
    """Numbers in a tensor at this batch size."""
    return tensor.size * (batch if tensor.batched else 1)
