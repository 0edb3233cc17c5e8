"""log_cosh: a loss that is squared near zero and absolute far out.

    L(u, y) = Σ log cosh(u − y)

Its slope tanh(u − y) never exceeds 1, so an outlier pulls no harder than any sample that is far off; unlike
huber it is smooth everywhere and has no threshold. Used as a robust M-estimator: Green: Bayesian
reconstructions from emission tomography data (IEEE Trans. Medical Imaging 9, 1990).
"""

from deltaplan.plugins.api import Expr, cosh, log, loss, sum


@loss("log_cosh")
def log_cosh(u: Expr, y: Expr) -> Expr:
    """Σ log cosh(u − y)  (Green, 1990)"""
    return sum(log(cosh(u - y)))
