"""A layer that gives no tensor."""

from deltaplan.plugins.api import layer


@layer("broken")
def broken(builder, x):
    return 5
