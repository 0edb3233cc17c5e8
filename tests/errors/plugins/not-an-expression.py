"""A word among the operands."""

from deltaplan.plugins.api import activation, maximum


@activation("cut")
def cut(u):
    """max(u, 0)"""
    return maximum(u, "0")
