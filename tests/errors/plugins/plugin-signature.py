"""A parameter that the function does not take."""

from deltaplan.plugins.api import activation, sin


@activation("snake", alpha=1.0)
def snake(u, a):
    """u + sin²(a·u)/a"""
    return u + sin(a * u) ** 2 / a
