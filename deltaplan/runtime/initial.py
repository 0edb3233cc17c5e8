"""The first values of θ, drawn from the seed."""

from collections.abc import Iterable, Sequence

import numpy as np

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.plans import Draw, Statistic
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.random import Purpose, normal, uniform


def initial(graph: Graph, seed: int) -> Array:
    """θ before the first step, float64 [size]: a block's numbers depend on the seed and the block alone."""
    return drawn(draws_of(graph), seed)


def draws_of(graph: Graph) -> tuple[Draw, ...]:
    """How each block of θ begins. SpecError where an activation has no gain and that is needed."""
    from deltaplan.compiler.initial import draws
    from deltaplan.plugins.loader import builtin_registry

    default = builtin_registry().find("initializer", "default")
    assert default is not None, "it comes with deltaplan"
    return draws(graph, default)


def drawn(blocks: Sequence[Draw], seed: int) -> Array:
    """θ from how its blocks begin."""
    theta = np.zeros(sum(draw.parameter.size for draw in blocks))
    for draw in blocks:
        theta[draw.parameter.offset : draw.parameter.end] = values(draw, seed).ravel()
    return theta


def with_statistics(graph: Graph, theta: Array) -> Array:
    """θ with the running statistics that training begins with behind it: the vector of a model, [length]."""
    from deltaplan.compiler.parameters import place_statistics

    return followed(theta, place_statistics(graph))


def followed(theta: Array, statistics: Iterable[Statistic]) -> Array:
    """The same for statistics that are known."""
    firsts = [np.full(s.tensor.size, s.first, theta.dtype) for s in statistics]
    return np.concatenate([theta, *firsts])


def initial_of(graph: Graph, seeds: Sequence[int]) -> Array:
    """θ before the first step for each of several seeds, float64 [seeds, size]."""
    blocks = draws_of(graph)
    theta = np.zeros((len(seeds), sum(draw.parameter.size for draw in blocks)))
    for draw in blocks:
        found = values(draw, seeds) if draw.kind != "orthogonal" else [values(draw, seed) for seed in seeds]
        begin, end = draw.parameter.offset, draw.parameter.end
        theta[:, begin:end] = np.broadcast_to(found, (len(seeds), *np.shape(found)[-2:])).reshape(
            len(seeds), -1
        )
    return theta


def values(draw: Draw, seed: int | Sequence[int]) -> Array:
    """The first values of one block, in rows of its first axis; with several seeds, of each (but for
    orthogonal matrices)."""
    rows = draw.parameter.tensor.shape[0]
    shape = (rows, draw.parameter.size // rows)
    match draw.kind:
        case "constant":
            return np.full(shape, draw.high)
        case "uniform":
            return draw.low + (draw.high - draw.low) * uniform(Purpose.INIT, seed, 0, draw.number, shape)
        case "normal":
            return draw.high * normal(Purpose.INIT, seed, 0, draw.number, shape)
        case "orthogonal":
            return draw.high * orthogonal(normal(Purpose.INIT, seed, 0, draw.number, shape))


def orthogonal(matrix: Array) -> Array:
    """Orthonormal rows, or columns where they are fewer, from a matrix of normal numbers (QR with the signs
    that make the distribution uniform; Mezzadri, 2007)."""
    wide = matrix.shape[0] < matrix.shape[1]
    q, r = np.linalg.qr(matrix.T if wide else matrix)
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(q.T if wide else q)
