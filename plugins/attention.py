"""attention: each place of a sequence takes from those places that match it."""

from math import sqrt

from deltaplan.plugins.api import Attribute, Builder, Tensor, exp, layer

WIDTH = Attribute("width", "size", required=True, positional=True, doc="channels of keys and of the output")


@layer("attention", WIDTH)
def attention(builder: Builder, x: Tensor, width: int) -> Tensor:
    """softmax(QKᵀ/√width) V of x [length, channels], with Q = xA, K = xC, V = xD  (Vaswani et al., 2017)"""
    if len(x.shape) != 2:
        raise builder.refuse("`attention` looks along a sequence, [length, channels]")
    length, channels = x.shape
    queries, keys, values = (
        builder.matmul(x, builder.weight(name, (channels, width), channels, width)) for name in "ACD"
    )
    rows = builder.reshape(queries, (length, 1, width))
    scores = builder.sum(builder.map(lambda q, k: q * k / sqrt(width), rows, keys), (2,))
    largest = builder.reshape(builder.largest(scores, 1), (length, 1))
    powers = builder.map(lambda s, m: exp(s - m), scores, largest)
    total = builder.reshape(builder.sum(powers, (1,)), (length, 1))
    mixed: Tensor = builder.matmul(builder.map(lambda p, t: p / t, powers, total), values)
    return mixed
