"""A function without its mark."""

from deltaplan.plugins.api import sin


def snake(u, a=1.0):
    """u + sin²(a·u)/a"""
    return u + sin(a * u) ** 2 / a
