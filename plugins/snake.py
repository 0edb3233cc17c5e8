"""snake: a periodic activation that still grows.

    σ(u) = u + sin²(a·u)/a

For data that repeat: relu and tanh nets go on as a line or a constant outside their data, this one goes on
swinging. `a` sets the frequency. Ziyin, Hartwig and Ueda: Neural networks fail to learn periodic functions
and how to fix it (NeurIPS 2020).
"""

from deltaplan.plugins.api import Expr, activation, number, sin


@activation("snake", a=number(1.0, above=0))
def snake(u: Expr, a: Expr) -> Expr:
    """u + sin²(a·u)/a  (Ziyin et al., 2020)"""
    return u + sin(a * u) ** 2 / a
