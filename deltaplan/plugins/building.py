"""What a layer's forward function is written with: tensors, and a builder of the primitives on them."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from deltaplan.plugins.expressions import Expr


class Tensor(Protocol):
    """A value while a layer is written down. `shape` is that of one sample; a parameter has no batch axis."""

    @property
    def shape(self) -> tuple[int, ...]: ...


class Builder(Protocol):
    """The primitives that a layer's forward function may use.

    Samples are [features], [length, channels] or [height, width, channels]: the last axis is that of the
    channels. Shapes that do not go together are refused at the writer's line.
    """

    @property
    def training(self) -> bool:
        """True while the plan for training is written."""

    @property
    def samples(self) -> Any:
        """The number of samples in the batch, a tensor of shape ()."""

    def refuse(self, message: str) -> Exception:
        """The error to raise where shapes do not fit; it points at the writer's line."""

    # Parameters and what else a layer keeps

    def weight(self, name: str, shape: Sequence[int], fan_in: int, fan_out: int) -> Any:
        """A trained matrix or kernel; fan_in and fan_out count the inputs and outputs of one unit."""

    def bias(self, name: str, shape: Sequence[int], fan_in: int | None = None) -> Any:
        """A trained offset; without fan_in it begins at 0. None where the writer says `bias=false`."""

    def factor(self, name: str, shape: Sequence[int]) -> Any:
        """Trained factors that begin at 1. They are no weights: regularizers of `weights` leave them out."""

    def statistic(self, name: str, shape: Sequence[int], first: float) -> Any:
        """Numbers that are kept from step to step and saved with the model, and not trained."""

    def update(self, name: str, value: Any) -> None:
        """What a statistic is after this step: of the batch alone, in training."""

    # Products

    def matmul(self, a: Any, b: Any) -> Any:
        """a[m, k] b[k] → [m], or b[k, n] → [m, n]; each of them a parameter or of the sample"""

    def conv(
        self,
        w: Any,
        x: Any,
        *,
        stride: Sequence[int],
        dilation: Sequence[int],
        before: Sequence[int],
        after: Sequence[int],
        groups: int = 1,
    ) -> Any:
        """w[out, *kernel, channels / groups] ∗ x[*sides, channels] → [*places, out], over one axis or two.

        `before` and `after` are the zeros that x is padded with at the beginning and the end of each axis.
        """

    def sparse(self, w: Any, x: Any, rows: int, seed: int) -> Any:
        """A matrix with the entries w, at least one in each row, times x[columns] → [rows]; the seed draws
        where they are."""

    # Windows and shapes

    def pool(
        self,
        kind: Literal["sum", "max"],
        x: Any,
        *,
        kernel: Sequence[int],
        stride: Sequence[int],
        before: Sequence[int],
        after: Sequence[int],
    ) -> Any:
        """The sum or maximum over a window, [*sides, channels] → [*places, channels].

        Padding counts as 0 in a sum and not at all in a maximum.
        """

    def unpool(self, x: Any, times: Sequence[int]) -> Any:
        """Each number of [*sides, channels] as many times on each axis: nearest upsampling."""

    def sum(self, x: Any, axes: Sequence[int], samples: bool = False) -> Any:
        """The sum over some axes, which the result does not have, and over the samples of the batch."""

    def largest(self, x: Any, axis: int) -> Any:
        """The maximum over an axis; it counts as a constant in derivatives."""

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        """The same numbers in their order, the last axis the fastest."""

    def slice(self, x: Any, axis: int, begin: int, end: int) -> Any:
        """x[begin:end] on an axis."""

    def reverse(self, x: Any, axis: int) -> Any:
        """The same numbers from the end of an axis to its beginning."""

    def pad(self, x: Any, axis: int, before: int, after: int) -> Any:
        """So many zeros before and after the numbers on an axis."""

    # Element by element

    def map(self, function: Callable[..., Expr], *tensors: Any) -> Any:
        """An elementwise function, given as one of symbols, of tensors that broadcast to one shape."""

    def constant(self, value: float, shape: Sequence[int]) -> Any:
        """One number everywhere, the same for all samples."""

    def uniform(self, shape: Sequence[int]) -> Any:
        """Numbers drawn uniformly from [0, 1), anew for each step and sample (training alone)."""
