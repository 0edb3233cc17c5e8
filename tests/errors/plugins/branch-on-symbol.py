"""A Python `if` on a symbol."""

from deltaplan.plugins.api import activation


@activation("hinge")
def hinge(u):
    """u above 0, else 0"""
    if u > 0:
        return u
    return 0 * u
