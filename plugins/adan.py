"""adan: adam with the momentum of Nesterov, whose look ahead is estimated from the change of the gradient.

    d = g − g₋₁                          (0 in the first step)
    m ← β₁m + (1 − β₁)g
    v ← β₂v + (1 − β₂)d
    n ← β₃n + (1 − β₃)(g + β₂d)²
    w ← (w − η (m̂ + β₂v̂)/(√n̂ + ε)) / (1 + ηλ)

A hat divides by 1 − βᵗ, which corrects for the beginning at 0. It keeps four vectors where adam keeps two.
Xie, Zhou, Li, Lin and Yan: Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models
(2022, arXiv:2208.06677).
"""

from deltaplan.plugins.api import Expr, number, optimizer, sqrt, where


@optimizer(
    "adan",
    state=("m", "v", "n", "before"),
    lr=number(1e-3, minimum=0),
    beta1=number(0.98, minimum=0, below=1),
    beta2=number(0.92, minimum=0, below=1),
    beta3=number(0.99, minimum=0, below=1),
    eps=number(1e-8, minimum=0),
    decay=number(0.0, minimum=0),
)
def adan(
    w: Expr,
    g: Expr,
    m: Expr,
    v: Expr,
    n: Expr,
    before: Expr,
    t: Expr,
    lr: Expr,
    beta1: Expr,
    beta2: Expr,
    beta3: Expr,
    eps: Expr,
    decay: Expr,
) -> dict[str, Expr]:
    """w ← (w − η(m̂ + β₂v̂)/(√n̂ + ε))/(1 + ηλ), v the mean change of the gradient  (Xie et al., 2022)"""
    change = where(t > 1, g - before, 0)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * change
    n = beta3 * n + (1 - beta3) * (g + beta2 * change) ** 2
    mean, drift, square = m / (1 - beta1**t), v / (1 - beta2**t), n / (1 - beta3**t)
    step = lr * (mean + beta2 * drift) / (sqrt(square) + eps)
    return {"w": (w - step) / (1 + lr * decay), "m": m, "v": v, "n": n, "before": g}
