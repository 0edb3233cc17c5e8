"""An activation that looks at the whole vector."""

from deltaplan.plugins.api import activation, exp, sum


@activation("normed")
def normed(u):
    """eᵘ / Σ eᵘ"""
    return exp(u) / sum(exp(u))
