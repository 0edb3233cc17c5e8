"""lion: an optimizer that uses only the sign of its momentum.

    w ← w − η (sign(β₁m + (1 − β₁)g) + λw)
    m ← β₂m + (1 − β₂)g

Every parameter moves by η, whatever the size of its gradient; it keeps one vector where adam keeps two. λ is
decay apart from the gradient, as in adamw. A rate a third to a tenth of adam's is a good start. Chen et al.:
Symbolic discovery of optimization algorithms (NeurIPS 2023).
"""

from deltaplan.plugins.api import Expr, number, optimizer, sign


@optimizer(
    "lion",
    state=("m",),
    lr=number(1e-4, minimum=0),
    beta1=number(0.9, minimum=0, below=1),
    beta2=number(0.99, minimum=0, below=1),
    decay=number(0.0, minimum=0),
)
def lion(w: Expr, g: Expr, m: Expr, lr: Expr, beta1: Expr, beta2: Expr, decay: Expr) -> dict[str, Expr]:
    """w ← w − η(sign(β₁m + (1 − β₁)g) + λw);  m ← β₂m + (1 − β₂)g  (Chen et al., 2023)"""
    direction = sign(beta1 * m + (1 - beta1) * g)
    return {"w": w - lr * (direction + decay * w), "m": beta2 * m + (1 - beta2) * g}
