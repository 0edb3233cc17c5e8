"""pinball: the loss whose minimum is a quantile.

    L(u, y) = Σ of τ·r where r > 0, else (τ − 1)·r, with r = y − u

With τ = 0.5 it is half the absolute error and fits the median; with τ = 0.9 nine tenths of the targets lie
below the fit. Koenker and Bassett: Regression quantiles (Econometrica 46, 1978).
"""

from deltaplan.plugins.api import Expr, loss, maximum, number, sum


@loss("pinball", tau=number(0.5, above=0, below=1))
def pinball(u: Expr, y: Expr, tau: Expr) -> Expr:
    """Σ max(τr, (τ − 1)r), with r = y − u  (Koenker and Bassett, 1978)"""
    r = y - u
    return sum(maximum(tau * r, (tau - 1) * r))
