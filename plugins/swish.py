"""swish: a smooth relu with a knob.

    σ(u) = u · sigmoid(β·u)

β = 1 is silu, β = 0 is u/2, and β → ∞ is relu. Ramachandran, Zoph and Le: Searching for activation functions
(2017, arXiv:1710.05941).
"""

from deltaplan.plugins.api import Expr, activation, number, sigmoid


@activation("swish", beta=number(1.0, minimum=0))
def swish(u: Expr, beta: Expr) -> Expr:
    """u · sigmoid(β·u)  (Ramachandran et al., 2017)"""
    return u * sigmoid(beta * u)
