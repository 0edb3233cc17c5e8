from deltaplan.plugins.api import cos, loss, regularizer, sum


@loss("wavy", convex=False)
def wavy(u, y):
    """Σ 1 − cos(u − y)"""
    return sum(1 - cos(u - y))


@regularizer("odd")
def odd(w):
    """Σ w³"""
    return sum(w**3)
