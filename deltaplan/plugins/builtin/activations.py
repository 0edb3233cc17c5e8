"""Activations σ(u)."""

from deltaplan.plugins import api
from deltaplan.plugins.api import Expr, activation, erf, expm1, maximum, number, where


@activation("identity")
def identity(u: Expr) -> Expr:
    """u"""
    return u


@activation("sigmoid")
def sigmoid(u: Expr) -> Expr:
    """1/(1 + e⁻ᵘ)"""
    return api.sigmoid(u)


@activation("tanh")
def tanh(u: Expr) -> Expr:
    """(eᵘ − e⁻ᵘ)/(eᵘ + e⁻ᵘ)"""
    return api.tanh(u)


@activation("relu")
def relu(u: Expr) -> Expr:
    """max(u, 0), with slope 0 at 0  (Nair and Hinton, 2010)"""
    return maximum(u, 0)


@activation("leaky_relu", alpha=number(0.01, below=1))
def leaky_relu(u: Expr, alpha: Expr) -> Expr:
    """u for u > 0, else αu  (Maas et al., 2013)"""
    return where(u > 0, u, alpha * u)


@activation("elu", alpha=1.0)
def elu(u: Expr, alpha: Expr) -> Expr:
    """u for u > 0, else α(eᵘ − 1)  (Clevert et al., 2016)"""
    return where(u > 0, u, alpha * expm1(u))


@activation("softplus")
def softplus(u: Expr) -> Expr:
    """log(1 + eᵘ)  (Dugas et al., 2001)"""
    return api.softplus(u)


@activation("silu")
def silu(u: Expr) -> Expr:
    """u/(1 + e⁻ᵘ)  (Elfwing et al., 2018)"""
    return u * api.sigmoid(u)


@activation("gelu")
def gelu(u: Expr) -> Expr:
    """uΦ(u), Φ the distribution function of the standard normal  (Hendrycks and Gimpel, 2016)"""
    return u * (1 + erf(u / 2**0.5)) / 2


@activation("mish")
def mish(u: Expr) -> Expr:
    """u tanh(log(1 + eᵘ))  (Misra, 2019)"""
    return u * api.tanh(api.softplus(u))
