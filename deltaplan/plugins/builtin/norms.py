"""Layers that bring their input to mean 0 and variance 1."""

from math import prod

from deltaplan.plugins.api import Attribute, Builder, Tensor, layer, sqrt

EPS = Attribute("eps", "number", default=1e-5, above=0, doc="added to the variance")
SCALE = Attribute("scale", "boolean", default=True, doc="whether there are trained factors γ")


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
