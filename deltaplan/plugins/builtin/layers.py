"""Layers over the builder's primitives."""

from deltaplan.plugins.api import Attribute, Builder, Expr, Tensor, layer, where


@layer("dense", Attribute("width", "size", required=True, positional=True, doc="the number of outputs"))
def dense(builder: Builder, x: Tensor, width: int) -> Tensor:
    """W x + b"""
    if len(x.shape) != 1:
        raise builder.refuse(f"`dense` takes a vector, not a tensor of {len(x.shape)} axes")
    (fan_in,) = x.shape
    w = builder.weight("W", (width, fan_in), fan_in=fan_in, fan_out=width)
    b = builder.bias("b", (width,), fan_in=fan_in)
    z: Tensor = builder.matmul(w, x)
    return z if b is None else _shifted(builder, z, b)


def _shifted(builder: Builder, z: Tensor, b: Tensor) -> Tensor:
    def plus(z: Expr, b: Expr) -> Expr:
        return z + b

    shifted: Tensor = builder.map(plus, z, b)
    return shifted


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
