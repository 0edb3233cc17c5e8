from deltaplan.plugins.api import metric, sum


@metric("bias", of="values", better="lower")
def bias(u, y, n):
    return sum(u - y) / n


@metric("worst", of="values", better="lower")
def worst(u, y):
    return u - y
