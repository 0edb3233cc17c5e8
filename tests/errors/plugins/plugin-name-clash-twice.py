"""Two activations of one name."""

from deltaplan.plugins.api import activation, sin, tanh


@activation("wave")
def first(u):
    """sin(u)"""
    return sin(u)


@activation("wave")
def second(u):
    """tanh(u)"""
    return tanh(u)
