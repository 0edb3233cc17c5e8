"""Three layers over the builder: a gated linear unit, maxout, and a squeeze-and-excitation block."""

from deltaplan.plugins.api import Attribute, Builder, Expr, Tensor, layer, maximum, sigmoid

WIDTH = Attribute("width", "size", required=True, positional=True, doc="the number of outputs")
PIECES = Attribute("pieces", "whole", default=2, minimum=2, doc="affine maps for each output")
RATIO = Attribute("ratio", "whole", default=4, minimum=1, doc="channels for each number of the bottleneck")


@layer("gated_linear", WIDTH)
def gated_linear(builder: Builder, x: Tensor, width: int) -> Tensor:
    """(Vx + c) ⊙ sigmoid(Wx + b)  (Dauphin et al., 2017)"""
    value = affine(builder, x, "V", "c", width)
    gate = affine(builder, x, "W", "b", width)
    gated: Tensor = builder.map(lambda v, g: v * sigmoid(g), value, gate)
    return gated


@layer("maxout", WIDTH, PIECES)
def maxout(builder: Builder, x: Tensor, width: int, pieces: int) -> Tensor:
    """max of (Wₖx + bₖ) over the pieces k, for each output  (Goodfellow et al., 2013)"""
    maps = [affine(builder, x, f"W{k}", f"b{k}", width) for k in range(1, pieces + 1)]
    largest: Tensor = builder.map(largest_of, *maps)
    return largest


def largest_of(first: Expr, *others: Expr) -> Expr:
    """The largest of some numbers."""
    for other in others:
        first = maximum(first, other)
    return first


@layer("squeeze_excite", RATIO)
def squeeze_excite(builder: Builder, x: Tensor, ratio: int) -> Tensor:
    """x scaled by channel: sigmoid(W₂ relu(W₁m + b₁) + b₂), m the channels' means  (Hu et al., 2018)"""
    *sides, channels = x.shape
    if not sides:
        raise builder.refuse("a `squeeze_excite` scales the channels of sequences and pictures")
    if channels < ratio:
        raise builder.refuse(f"{channels} channels are fewer than the ratio, {ratio}")
    count = 1
    for side in sides:
        count *= side
    total = builder.sum(x, tuple(range(len(sides))))
    means = builder.map(lambda s: s / count, total)
    small = affine(builder, means, "W1", "b1", channels // ratio)
    hidden = builder.map(lambda z: maximum(z, 0), small)
    gates = affine(builder, hidden, "W2", "b2", channels)
    scaled: Tensor = builder.map(lambda v, g: v * sigmoid(g), x, gates)
    return scaled


def affine(builder: Builder, x: Tensor, weight: str, bias: str, width: int) -> Tensor:
    """Wx + b, without b where the writer says `bias=false`."""
    if len(x.shape) != 1:
        raise builder.refuse("it takes a vector; `flatten` above it makes one")
    (fan_in,) = x.shape
    product: Tensor = builder.matmul(builder.weight(weight, (width, fan_in), fan_in, width), x)
    offset = builder.bias(bias, (width,), fan_in)
    if offset is None:
        return product
    shifted: Tensor = builder.map(lambda z, b: z + b, product, offset)
    return shifted
