"""An activation that forgets its argument."""

from deltaplan.plugins.api import activation, exp


@activation("flat", a=1.0)
def flat(u, a):
    """eᵃ, whatever u is"""
    return exp(a)
