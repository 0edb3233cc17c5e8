"""The recorded activations that a spec may lack, as a plugin."""

from deltaplan.plugins.api import Expr, activation, erf, sigmoid, softplus, tanh


@activation("softplus")
def soft(u: Expr) -> Expr:
    """log(1 + eᵘ)"""
    return softplus(u)


@activation("silu")
def silu(u: Expr) -> Expr:
    """u/(1 + e⁻ᵘ)"""
    return u * sigmoid(u)


@activation("gelu")
def gelu(u: Expr) -> Expr:
    """u Φ(u), Φ the normal distribution"""
    return u * (1 + erf(u / 2**0.5)) / 2


@activation("mish")
def mish(u: Expr) -> Expr:
    """u tanh(log(1 + eᵘ))"""
    return u * tanh(softplus(u))
