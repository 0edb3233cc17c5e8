"""An activation without a value on one side."""

from deltaplan.plugins.api import activation, log


@activation("blown")
def blown(u):
    """log(u), which is not a number below 0"""
    return log(u)
