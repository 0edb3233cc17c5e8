"""Layers that bring their input to mean 0 and variance 1."""

from math import prod

from deltaplan.plugins.api import Attribute, Builder, Expr, Tensor, layer, maximum, sqrt

EPS = Attribute("eps", "number", default=1e-5, above=0, doc="added to the variance")
SCALE = Attribute("scale", "boolean", default=True, doc="whether there are trained factors γ")
MOMENTUM = Attribute(
    "momentum",
    "number",
    default=0.9,
    minimum=0,
    below=1,
    doc="how much of the running statistics a step keeps",
)


@layer("batch_norm", EPS, SCALE, MOMENTUM, affine=False)
def batch_norm(builder: Builder, x: Tensor, eps: float, scale: bool, momentum: float) -> Tensor:
    """γ(x − mean)/√(variance + ε) + β over batch and places, in each channel  (Ioffe and Szegedy, 2015)

    Outside training with running statistics.
    """
    mean = builder.statistic("mean", x.shape[-1:], 0.0)
    variance = builder.statistic("variance", x.shape[-1:], 1.0)
    if builder.training:
        mean, variance = _of_batch(builder, x, mean, variance, momentum)
    normal: Tensor = builder.map(lambda x, m, v: (x - m) / sqrt(v + eps), x, mean, variance)
    return _affine(builder, normal, scale)


def _of_batch(
    builder: Builder, x: Tensor, mean: Tensor, variance: Tensor, momentum: float
) -> tuple[Tensor, Tensor]:
    """Mean and variance of the batch; the running ones move towards them, the variance without its bias."""
    axes, places = range(len(x.shape) - 1), prod(x.shape[:-1])
    total = builder.sum(x, axes, samples=True)
    own_mean = builder.map(lambda t, n: t / (n * places), total, builder.samples)
    squares = builder.map(lambda x, m: (x - m) ** 2, x, own_mean)
    square = builder.sum(squares, axes, samples=True)
    own_variance = builder.map(lambda s, n: s / (n * places), square, builder.samples)

    def kept(old: Expr, new: Expr) -> Expr:
        return momentum * old + (1 - momentum) * new

    builder.update("mean", builder.map(kept, mean, own_mean))

    def unbiased(old: Expr, s: Expr, n: Expr) -> Expr:
        return momentum * old + (1 - momentum) * s / maximum(n * places - 1, 1)

    builder.update("variance", builder.map(unbiased, variance, square, builder.samples))
    return own_mean, own_variance


@layer("layer_norm", EPS, SCALE, affine=False)
def layer_norm(builder: Builder, x: Tensor, eps: float, scale: bool) -> Tensor:
    """γ(x − mean)/√(variance + ε) + β over all the numbers of a sample  (Ba et al., 2016)"""
    axes, count = range(len(x.shape)), prod(x.shape)
    total = builder.sum(x, axes)
    centred = builder.map(lambda x, total: x - total / count, x, total)
    square = builder.sum(builder.map(lambda c: c**2, centred), axes)
    normal: Tensor = builder.map(lambda c, s: c / sqrt(s / count + eps), centred, square)
    return _affine(builder, normal, scale)


def _affine(builder: Builder, x: Tensor, scale: bool) -> Tensor:
    """γx + β, a number of each for each channel."""
    channels = x.shape[-1:]
    if scale:
        x = builder.map(lambda x, g: x * g, x, builder.factor("scale", channels))
    b = builder.bias("b", channels)
    result: Tensor = x if b is None else builder.map(lambda x, b: x + b, x, b)
    return result
