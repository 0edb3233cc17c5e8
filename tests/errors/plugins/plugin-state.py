"""An optimizer that forgets its velocity."""

from deltaplan.plugins.api import number, optimizer


@optimizer("heavy", state=("v",), lr=number(0.1, above=0))
def heavy(w, g, v, lr):
    """w − lr·(0.9·v + g)"""
    v = 0.9 * v + g
    return {"w": w - lr * v}
