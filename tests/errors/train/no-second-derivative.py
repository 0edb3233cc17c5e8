from deltaplan.plugins.api import loss, numpy_function, sum

square = numpy_function("square", lambda r: r**2, lambda r: 2 * r)


@loss("squared")
def squared(u, y):
    """Σ (u − y)²"""
    return sum(square(u - y))
