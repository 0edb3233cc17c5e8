"""A name that no spec can hold."""

from deltaplan.plugins.api import activation, sin


@activation("snake-like")
def snake(u):
    """u + sin²(u)"""
    return u + sin(u) ** 2
