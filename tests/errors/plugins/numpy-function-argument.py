from deltaplan.plugins.api import loss, numpy_function, sum

product = numpy_function("product", lambda u, y: u * y, lambda u, y: y)


@loss("against")
def against(u, y):
    """−Σ uy"""
    return -sum(product(u, y))
