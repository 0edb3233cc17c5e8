"""An activation without a value far out on one side."""

from deltaplan.plugins.api import activation, log


@activation("blown")
def blown(u):
    """log(u + 3), which is not a number below −3"""
    return log(u + 3)
