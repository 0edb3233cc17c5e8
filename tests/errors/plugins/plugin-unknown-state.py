"""An optimizer that returns more than it declares."""

from deltaplan.plugins.api import number, optimizer


@optimizer("heavy", lr=number(0.1, above=0))
def heavy(w, g, lr):
    """w − lr·g"""
    v = 0.9 * g
    return {"w": w - lr * v, "v": v}
