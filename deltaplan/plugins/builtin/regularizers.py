"""Regularizers Ω(w): w is the vector of the parameters that they stand on."""

from deltaplan.plugins.api import Expr, abs, regularizer, required, spectral_norm, sum


@regularizer("l2", strength=required(minimum=0))
def l2(w: Expr, strength: Expr) -> Expr:
    """λ/2 ‖w‖²  (Tikhonov)"""
    return strength / 2 * sum(w**2)


@regularizer("l1", strength=required(minimum=0))
def l1(w: Expr, strength: Expr) -> Expr:
    """λ‖w‖₁"""
    return strength * sum(abs(w))


@regularizer("elastic", l1=required(minimum=0), l2=required(minimum=0))
def elastic(w: Expr, l1: Expr, l2: Expr) -> Expr:
    """λ₁‖w‖₁ + λ₂/2 ‖w‖²: `elastic(λ₁, λ₂)` is `l1(λ₁) + l2(λ₂)`  (Zou and Hastie, 2005)"""
    return l1 * sum(abs(w)) + l2 / 2 * sum(w**2)


@regularizer("spectral", strength=required(minimum=0))
def spectral(w: Expr, strength: Expr) -> Expr:
    """λ/2 ‖W‖₂², the square of the largest singular value, of a matrix  (Yoshida and Miyato, 2017)

    It is added for each weight matrix; a kernel is a matrix with a row for each channel that it gives.
    """
    return strength / 2 * spectral_norm(w) ** 2
