"""Losses L(u, y) of one sample: u is the model's output, y the target."""

from deltaplan.plugins.api import (
    Expr,
    abs,
    logsumexp,
    loss,
    maximum,
    number,
    pick,
    softplus,
    sum,
    where,
)


@loss("squared_error")
def squared_error(u: Expr, y: Expr) -> Expr:
    """½‖u − y‖²"""
    return sum((u - y) ** 2) / 2


@loss("absolute_error")
def absolute_error(u: Expr, y: Expr) -> Expr:
    """‖u − y‖₁"""
    return sum(abs(u - y))


@loss("huber", delta=number(1.0, above=0))
def huber(u: Expr, y: Expr, delta: Expr) -> Expr:
    """Σ of r²/2 where |r| ≤ δ, else δ(|r| − δ/2), with r = u − y  (Huber, 1964)"""
    r = u - y
    return sum(where(abs(r) <= delta, r**2 / 2, delta * (abs(r) - delta / 2)))


@loss("cross_entropy", target="class", link="softmax", decision="argmax")
def cross_entropy(u: Expr, y: Expr) -> Expr:
    """log Σⱼ exp(uⱼ) − u_y, y the index of the class"""
    return logsumexp(u) - pick(u, y)


@loss("logistic", target="binary", link="sigmoid", decision="positive")
def logistic(u: Expr, y: Expr) -> Expr:
    """Σ of log(1 + eᵘ) − yu, y from 0 to 1"""
    return sum(softplus(u) - y * u)


@loss("hinge", target="sign", decision="positive")
def hinge(u: Expr, y: Expr) -> Expr:
    """Σ of max(0, 1 − yu), y = ±1  (Cortes and Vapnik, 1995)"""
    return sum(maximum(1 - y * u, 0))
