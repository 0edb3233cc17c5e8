"""A library that is not installed."""

import nothing_of_this_name

from deltaplan.plugins.api import activation


@activation("special")
def special(u):
    """what the library computes"""
    return nothing_of_this_name.special(u)
