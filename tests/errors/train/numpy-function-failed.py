from deltaplan.plugins.api import activation, numpy_function

halved = numpy_function("halved", lambda u: u[::2] if u.ndim == 2 else u / 2, lambda u: 0 * u + 0.5)


@activation("half")
def half(u):
    """half of it, by mistake in another shape"""
    return halved(u)
