from deltaplan.plugins.api import number, optimizer


@optimizer("fixed", size=number(0.1))
def fixed(w, g, size):
    """w ← w − size·g"""
    return {"w": w - size * g}
