"""A function of the module math on a symbol."""

import math

from deltaplan.plugins.api import activation


@activation("bent")
def bent(u):
    """√(u² + 1)"""
    return math.sqrt(u**2 + 1)
