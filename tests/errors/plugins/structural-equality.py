"""`==` between a symbol and a number."""

from deltaplan.plugins.api import activation, where


@activation("spike")
def spike(u):
    """1 at 0, else u"""
    return where(u == 0, 1, u)
