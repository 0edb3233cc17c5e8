"""A missing `return`."""

from deltaplan.plugins.api import activation, sin


@activation("snake")
def snake(u):
    """u + sin²(u)"""
    u + sin(u) ** 2
