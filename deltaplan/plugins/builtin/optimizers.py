"""Optimizers: one step for each parameter w with gradient g."""

from deltaplan.plugins.api import Expr, boolean, number, optimizer, required, sqrt, where


@optimizer(
    "sgd",
    state=("velocity",),
    lr=required(minimum=0),
    momentum=number(0.0, minimum=0, below=1),
    nesterov=boolean(False),
)
def sgd(w: Expr, g: Expr, velocity: Expr, lr: Expr, momentum: Expr, nesterov: Expr) -> dict[str, Expr]:
    """v ← μv + g;  w ← w − η(g + μv) with nesterov, else w − ηv  (Polyak, 1964; Sutskever et al., 2013)"""
    velocity = momentum * velocity + g
    step = where(nesterov, g + momentum * velocity, velocity)
    return {"w": w - lr * step, "velocity": velocity}


@optimizer(
    "adam",
    state=("m", "v"),
    lr=number(1e-3, minimum=0),
    beta1=number(0.9, minimum=0, below=1),
    beta2=number(0.999, minimum=0, below=1),
    eps=number(1e-8, minimum=0),
)
def adam(
    w: Expr, g: Expr, m: Expr, v: Expr, t: Expr, lr: Expr, beta1: Expr, beta2: Expr, eps: Expr
) -> dict[str, Expr]:
    """w ← w − η m̂/(√v̂ + ε), the bias of both means corrected before ε  (Kingma and Ba, 2015)"""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    mean, square = m / (1 - beta1**t), v / (1 - beta2**t)
    return {"w": w - lr * mean / (sqrt(square) + eps), "m": m, "v": v}
