"""group_lasso: a penalty that switches whole blocks of parameters off.

    Ω(w) = λ √n ‖w‖₂ for each block of n parameters

l1 thins out single weights; here a block goes to zero as a whole, because the norm, unlike its square, has a
kink there. The √n gives large and small blocks the same chance. A regularizer is called once for each weight
matrix of its places, so the blocks are the layers. Yuan and Lin: Model selection and estimation in regression
with grouped variables (J. Royal Statistical Society B 68, 2006).
"""

from deltaplan.plugins.api import Expr, regularizer, required, sqrt, sum


@regularizer("group_lasso", strength=required(minimum=0))
def group_lasso(w: Expr, strength: Expr) -> Expr:
    """λ √n ‖w‖₂ for each block, n its size  (Yuan and Lin, 2006)"""
    size = sum(1)
    return strength * sqrt(size) * sqrt(sum(w**2))
