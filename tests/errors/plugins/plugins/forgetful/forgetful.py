from deltaplan.plugins.api import activation, sin


@activation("wave")
def wave(u):
    """u + sin u"""
    return u + sin(u)
