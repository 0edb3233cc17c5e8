"""A default outside its own bounds."""

from deltaplan.plugins.api import activation, number


@activation("steep", slope=number(0.0, above=0))
def steep(u, slope):
    """slope·u"""
    return slope * u
