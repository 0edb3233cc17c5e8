"""The name of a built-in activation."""

from deltaplan.plugins.api import activation, maximum


@activation("relu")
def relu(u):
    """max(u, 0)"""
    return maximum(u, 0)
