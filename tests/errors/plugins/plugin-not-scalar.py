"""A regularizer that gives a number for each parameter."""

from deltaplan.plugins.api import regularizer


@regularizer("quartic")
def quartic(w):
    """w⁴"""
    return w**4
