"""A loss of yes and no that looks at the worst answer alone."""

from deltaplan.plugins.api import Expr, amax, loss, softplus


@loss("worst_answer", target="binary", link="sigmoid", decision="positive")
def worst_answer(u: Expr, y: Expr) -> Expr:
    """max of log(1 + eᵘ) − yu"""
    return amax(softplus(u) - y * u)
