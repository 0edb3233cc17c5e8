"""Layers on vectors, and those that take any shape."""

from math import pi

from deltaplan.plugins.api import Attribute, Builder, Expr, Tensor, cos, exp, layer, log1p, sqrt, where

WIDTH = Attribute("width", "size", required=True, positional=True, doc="the number of outputs")


@layer("dense", WIDTH)
def dense(builder: Builder, x: Tensor, width: int) -> Tensor:
    """W x + b"""
    fan_in = _length(builder, "dense", x)
    w = builder.weight("W", (width, fan_in), fan_in=fan_in, fan_out=width)
    return shifted(builder, builder.matmul(w, x), fan_in)


DENSITY = Attribute("density", "number", required=True, above=0, maximum=1, doc="the share of the entries")
SEED = Attribute("seed", "whole", default=0, minimum=0, doc="of the places of the entries")


@layer("sparse", WIDTH, DENSITY, SEED)
def sparse(builder: Builder, x: Tensor, width: int, density: float, seed: int) -> Tensor:
    """W x + b, where W has max(round(density·m·n), m) entries, at least one in each row"""
    columns = _length(builder, "sparse", x)
    entries = max(round(density * width * columns), width)
    fan_in, fan_out = round(entries / width), max(1, round(entries / columns))
    w = builder.weight("W", (entries,), fan_in=fan_in, fan_out=fan_out)
    return shifted(builder, builder.sparse(w, x, width, seed), fan_in)


def _length(builder: Builder, name: str, x: Tensor) -> int:
    if len(x.shape) != 1:
        raise builder.refuse(f"`{name}` takes a vector; `flatten` above it makes one")
    return x.shape[0]


def shifted(builder: Builder, z: Tensor, fan_in: int) -> Tensor:
    """z + b, b a number for each channel; z where the writer says `bias=false`."""
    b = builder.bias("b", z.shape[-1:], fan_in)
    if b is None:
        return z
    result: Tensor = builder.map(lambda z, b: z + b, z, b)
    return result


@layer("identity", trained=False)
def identity(builder: Builder, x: Tensor) -> Tensor:
    """x"""
    return x


@layer("scale", biased=False, affine=False)
def scale(builder: Builder, x: Tensor) -> Tensor:
    """γx, γ a number for each channel, 1 at first"""
    scaled: Tensor = builder.map(lambda x, g: x * g, x, builder.factor("scale", x.shape[-1:]))
    return scaled


RATE = Attribute("rate", "number", required=True, positional=True, minimum=0, below=1)


@layer("dropout", RATE, trained=False)
def dropout(builder: Builder, x: Tensor, rate: float) -> Tensor:
    """Each element 0 with probability p, else x/(1 − p); outside training x  (Srivastava et al., 2014)"""
    if rate == 0 or not builder.training:
        return x
    keep = 1 - rate

    def drop(v: Expr, drawn: Expr) -> Expr:
        return where(drawn < keep, v / keep, 0)

    dropped: Tensor = builder.map(drop, x, builder.uniform(x.shape))
    return dropped


DEVIATION = Attribute("deviation", "number", required=True, positional=True, minimum=0)


@layer("noise", DEVIATION, trained=False)
def noise(builder: Builder, x: Tensor, deviation: float) -> Tensor:
    """x + normal(0, deviation) for each element; outside training x"""
    if deviation == 0 or not builder.training:
        return x

    def disturb(v: Expr, radius: Expr, angle: Expr) -> Expr:
        """√(−2 log(1 − u)) cos(2πv)  (Box and Muller, 1958)"""
        return v + deviation * sqrt(-2 * log1p(-radius)) * cos(2 * pi * angle)

    noisy: Tensor = builder.map(disturb, x, builder.uniform(x.shape), builder.uniform(x.shape))
    return noisy


@layer("softmax", trained=False)
def softmax(builder: Builder, x: Tensor) -> Tensor:
    """exp(xⱼ)/Σₖ exp(xₖ) over the channels"""
    last = len(x.shape) - 1
    column = (*x.shape[:last], 1)
    largest = builder.reshape(builder.largest(x, last), column)
    powers = builder.map(lambda x, m: exp(x - m), x, largest)
    total = builder.reshape(builder.sum(powers, (last,)), column)
    shares: Tensor = builder.map(lambda p, t: p / t, powers, total)
    return shares
