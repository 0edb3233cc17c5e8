"""Optimizers: one step for each parameter w with gradient g."""

from deltaplan.plugins.api import Expr, boolean, maximum, number, optimizer, required, sqrt, where


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


@optimizer(
    "adamw",
    state=("m", "v"),
    lr=number(1e-3, minimum=0),
    beta1=number(0.9, minimum=0, below=1),
    beta2=number(0.999, minimum=0, below=1),
    eps=number(1e-8, minimum=0),
    weight_decay=number(1e-2, minimum=0),
    decay_biases=boolean(False),
)
def adamw(
    w: Expr,
    g: Expr,
    m: Expr,
    v: Expr,
    t: Expr,
    is_weight: Expr,
    lr: Expr,
    beta1: Expr,
    beta2: Expr,
    eps: Expr,
    weight_decay: Expr,
    decay_biases: Expr,
) -> dict[str, Expr]:
    """w ← w − η (m̂/(√v̂ + ε) + λw), λ = 0 for biases unless decay_biases  (Loshchilov and Hutter, 2019)"""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    mean, square = m / (1 - beta1**t), v / (1 - beta2**t)
    decay = where(is_weight | decay_biases, weight_decay, 0)
    return {"w": w - lr * decay * w - lr * mean / (sqrt(square) + eps), "m": m, "v": v}


@optimizer(
    "rmsprop",
    state=("v", "mean", "velocity"),
    lr=number(1e-2, minimum=0),
    rho=number(0.99, minimum=0, below=1),
    eps=number(1e-8, minimum=0),
    momentum=number(0.0, minimum=0, below=1),
    centered=boolean(False),
)
def rmsprop(
    w: Expr,
    g: Expr,
    v: Expr,
    mean: Expr,
    velocity: Expr,
    lr: Expr,
    rho: Expr,
    eps: Expr,
    momentum: Expr,
    centered: Expr,
) -> dict[str, Expr]:
    """v ← ρv + (1 − ρ)g²;  w ← w − η g/(√v + ε)  (Tieleman and Hinton, 2012)

    momentum as in sgd; centered: v less the square of the mean gradient under the root  (Graves, 2013)"""
    v = rho * v + (1 - rho) * g**2
    mean = rho * mean + (1 - rho) * g
    spread = where(centered, maximum(v - mean**2, 0), v)
    velocity = momentum * velocity + g / (sqrt(spread) + eps)
    return {"w": w - lr * velocity, "v": v, "mean": mean, "velocity": velocity}


@optimizer("adagrad", state=("total",), lr=number(1e-2, minimum=0), eps=number(1e-10, minimum=0))
def adagrad(w: Expr, g: Expr, total: Expr, lr: Expr, eps: Expr) -> dict[str, Expr]:
    """s ← s + g²;  w ← w − η g/(√s + ε)  (Duchi et al., 2011)"""
    total = total + g**2
    return {"w": w - lr * g / (sqrt(total) + eps), "total": total}
