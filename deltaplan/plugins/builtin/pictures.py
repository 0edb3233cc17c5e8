"""Layers on sequences [length, channels] and pictures [height, width, channels]."""

from dataclasses import dataclass
from math import prod

from deltaplan.plugins.api import Attribute, Builder, Sides, Tensor, layer
from deltaplan.plugins.builtin.layers import shifted

Each = tuple[int, ...]  # a number for each axis

CHANNELS = Attribute("channels", "size", required=True, positional=True, doc="the number of outputs a place")
KERNEL = Attribute("kernel", "sides", required=True)
STRIDE = Attribute("stride", "sides", default=Sides((1,)))
PADDING = Attribute(
    "padding", "sides", default="valid", choices=("valid", "same", "causal"), minimum=0, doc="zeros around"
)
DILATION = Attribute("dilation", "sides", default=Sides((1,)))
GROUPS = Attribute("groups", "whole", default=1, minimum=1)


@layer("conv", CHANNELS, KERNEL, STRIDE, PADDING, DILATION, GROUPS)
def conv(
    builder: Builder,
    x: Tensor,
    channels: int,
    kernel: Sides,
    stride: Sides,
    padding: Sides | str,
    dilation: Sides,
    groups: int,
) -> Tensor:
    """W ∗ x + b, over one axis or two"""
    place = Place(builder, "conv", x, kernel, stride, dilation)
    before, after = place.pads(padding)
    inputs = x.shape[-1]
    if inputs % groups or channels % groups:
        raise builder.refuse(f"{groups} groups divide neither {inputs} channels into {channels}")
    fan_in, fan_out = (prod(place.kernel) * n // groups for n in (inputs, channels))
    w = builder.weight("W", (channels, *place.kernel, inputs // groups), fan_in=fan_in, fan_out=fan_out)
    z = builder.conv(
        w, x, stride=place.stride, dilation=place.dilation, before=before, after=after, groups=groups
    )
    return shifted(builder, z, fan_in)


WINDOW = Attribute("window", "sides", required=True, positional=True)
STEP = Attribute("stride", "sides", doc="as the window where it is not given")
EDGE = Attribute("padding", "sides", default="valid", choices=("valid", "same"), minimum=0)


@layer("max_pool", WINDOW, STEP, EDGE, trained=False)
def max_pool(
    builder: Builder, x: Tensor, window: Sides, padding: Sides | str, stride: Sides | None = None
) -> Tensor:
    """The largest number that the window sees, in each channel"""
    place = Place(builder, "max_pool", x, window, stride or window)
    before, after = place.pads(padding)
    pooled: Tensor = builder.pool(
        "max", x, kernel=place.kernel, stride=place.stride, before=before, after=after
    )
    return pooled


@layer("avg_pool", WINDOW, STEP, EDGE, trained=False)
def avg_pool(
    builder: Builder, x: Tensor, window: Sides, padding: Sides | str, stride: Sides | None = None
) -> Tensor:
    """The mean of what the window sees, in each channel; padding is not seen"""
    place = Place(builder, "avg_pool", x, window, stride or window)
    before, after = place.pads(padding)

    def pool(x: Tensor) -> Tensor:
        pooled: Tensor = builder.pool(
            "sum", x, kernel=place.kernel, stride=place.stride, before=before, after=after
        )
        return pooled

    if not any((*before, *after)):
        return _divided(builder, pool(x), prod(place.kernel))
    seen = pool(builder.constant(1.0, (*x.shape[:-1], 1)))
    mean: Tensor = builder.map(lambda total, count: total / count, pool(x), seen)
    return mean


@layer("global_avg_pool", trained=False)
def global_avg_pool(builder: Builder, x: Tensor) -> Tensor:
    """The mean over all places, [..., channels] → [channels]"""
    if len(x.shape) == 1:
        raise builder.refuse("`global_avg_pool` takes a sequence or a picture, not a vector")
    return _divided(builder, builder.sum(x, range(len(x.shape) - 1)), prod(x.shape[:-1]))


def _divided(builder: Builder, x: Tensor, count: int) -> Tensor:
    mean: Tensor = builder.map(lambda total: total / count, x)
    return mean


TIMES = Attribute("times", "sides", required=True, positional=True)


@layer("upsample", TIMES, trained=False)
def upsample(builder: Builder, x: Tensor, times: Sides) -> Tensor:
    """Each number so many times on each side"""
    place = Place(builder, "upsample", x, times, times)
    wide: Tensor = builder.unpool(x, place.kernel)
    return wide


@layer("flatten", trained=False)
def flatten(builder: Builder, x: Tensor) -> Tensor:
    """All numbers as one vector, the channels of a place beside each other"""
    vector: Tensor = builder.reshape(x, (prod(x.shape),))
    return vector


SHAPE = Attribute("shape", "sides", required=True, positional=True)


@layer("reshape", SHAPE, trained=False)
def reshape(builder: Builder, x: Tensor, shape: Sides) -> Tensor:
    """The same numbers in the same order as another shape"""
    other: Tensor = builder.reshape(x, shape)
    return other


@dataclass(frozen=True, slots=True)
class Place:
    """A window over the axes of a sample but the last, with a number for each of them."""

    builder: Builder
    name: str
    x: Tensor
    given_kernel: Sides
    given_stride: Sides
    given_dilation: Sides = Sides((1,))  # noqa: RUF009

    def __post_init__(self) -> None:
        if len(self.x.shape) not in (2, 3):
            raise self.builder.refuse(
                f"`{self.name}` takes a sequence [length, channels] or a picture [height, width, channels]"
            )

    @property
    def kernel(self) -> Each:
        return self._each("kernel", self.given_kernel)

    @property
    def stride(self) -> Each:
        return self._each("stride", self.given_stride)

    @property
    def dilation(self) -> Each:
        return self._each("dilation", self.given_dilation)

    def _each(self, what: str, sides: Sides) -> Each:
        axes = len(self.x.shape) - 1
        if len(sides) not in (1, axes):
            raise self.builder.refuse(f"the {what} {sides} has {len(sides)} sides, and the input {axes}")
        return sides * axes if len(sides) == 1 else sides

    def pads(self, padding: Sides | str) -> tuple[Each, Each]:
        """The zeros at the beginning and the end of each axis.

        `same` gives ⌈n/stride⌉ places, with the odd zero at the end; `causal` looks at what came before.
        """
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        if padding == "causal" and len(reach) > 1:
            raise self.builder.refuse("`padding=causal` is for sequences: a picture has no time")
        if padding == "causal":
            return (reach[0] - 1,), (0,)
        if padding == "same":
            parts = zip(self.x.shape, self.stride, reach, strict=False)
            wanted = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in parts]
            return tuple(n // 2 for n in wanted), tuple(n - n // 2 for n in wanted)
        sides = Sides((0,)) if isinstance(padding, str) else padding
        each = self._each("padding", sides)
        return each, each
