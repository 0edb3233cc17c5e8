from deltaplan.plugins.api import metric


@metric("variance", of="values", better="lower")
def variance(u, n, total):
    return total((u - total(u) / n) ** 2) / n
