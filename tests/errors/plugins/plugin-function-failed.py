"""An activation that raises while its expression is built."""

from deltaplan.plugins.api import activation

TABLE = {1: 0.5}


@activation("looked_up")
def looked_up(u):
    """a number of a table"""
    return u * TABLE[2]
