"""A symbol that another function was given."""

from deltaplan.plugins.api import activation

given = {}


@activation("scaled", a=1.0)
def scaled(u, a):
    """a·u"""
    given["a"] = a
    return a * u


@activation("squared")
def squared(u):
    """a·u², with the parameter of `scaled`"""
    return given["a"] * u**2
