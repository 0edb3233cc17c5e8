"""The geometry of a window that moves over a sample: what convolution and pooling have in common."""

from collections.abc import Iterator
from itertools import product
from math import prod

from deltaplan.records import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A window over the first axes of a sample [*sides, channels], with one number for each of these axes.

    Place i of the window begins at i·stride − before and looks at `kernel` numbers that are `dilation`
    apart; what lies outside of the sample is padding, `before` its beginning and `after` its end.
    """

    kernel: Shape
    stride: Shape
    dilation: Shape
    before: Shape
    after: Shape

    @property
    def axes(self) -> int:
        """The number of axes that it moves over."""
        return len(self.kernel)

    @property
    def size(self) -> int:
        """The numbers that it looks at, of one channel."""
        return prod(self.kernel)

    @property
    def reach(self) -> Shape:
        """From its first number to its last, both counted."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def places(self, sides: Shape) -> Shape:
        """How many places it has on each side; 0 or less where it is wider than the padded side."""
        parts = zip(sides, self.before, self.after, self.reach, self.stride, strict=True)
        return tuple((n + b + a - r) // s + 1 for n, b, a, r, s in parts)

    def plane(self) -> "Window":
        """The same window over two axes: one axis is a plane of height 1."""
        if self.axes == 2:
            return self
        return Window(
            (1, *self.kernel), (1, *self.stride), (1, *self.dilation), (0, *self.before), (0, *self.after)
        )

    def offsets(self) -> Iterator[Shape]:
        """The places within the window, row by row."""
        return product(*map(range, self.kernel))


@dataclass(frozen=True, slots=True)
class Reach:
    """On one axis: places `begin` to `end` of a window see the numbers from `first` on, `stride` apart."""

    begin: int
    end: int
    first: int
    stride: int

    @property
    def places(self) -> slice:
        return slice(self.begin, self.end)

    @property
    def numbers(self) -> slice:
        """Of the sample, one for each place."""
        return slice(self.first, self.first + (self.end - self.begin - 1) * self.stride + 1, self.stride)


def reaches(window: Window, offset: Shape, sides: Shape, places: Shape) -> tuple[Reach, ...] | None:
    """Which places see a number of the sample at an offset within the window, on each axis; None where the
    offset lies in the padding for every place."""
    found = [
        _reach(n, m, o * d - b, s)
        for n, m, o, d, b, s in zip(
            sides, places, offset, window.dilation, window.before, window.stride, strict=True
        )
    ]
    return tuple(found) if all(r.begin < r.end for r in found) else None


def _reach(length: int, places: int, shift: int, stride: int) -> Reach:
    begin = max(0, -(shift // stride))
    end = min(places, (length - 1 - shift) // stride + 1)
    return Reach(begin, end, begin * stride + shift, stride)
