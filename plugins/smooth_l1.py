"""smooth_l1: l1 without its kink.

    Ω(w) = λ Σ (√(w² + ε²) − ε)

Within ε of zero it is the parabola w²/2ε, further out |w| − ε, so that plain gradient steps come to rest
instead of jumping over zero. Charbonnier, Blanc-Féraud, Aubert and Barlaud: Deterministic edge-preserving
regularization in computed imaging (IEEE Trans. Image Processing 6, 1997).
"""

from deltaplan.plugins.api import Expr, number, regularizer, required, sqrt, sum


@regularizer("smooth_l1", strength=required(minimum=0), eps=number(1e-3, above=0))
def smooth_l1(w: Expr, strength: Expr, eps: Expr) -> Expr:
    """λ Σ (√(w² + ε²) − ε)  (Charbonnier et al., 1997)"""
    return strength * sum(sqrt(w**2 + eps**2) - eps)
