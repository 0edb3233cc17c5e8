"""numpy by hand, and the matrix products of W4 alone."""

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.contest import Contender, repeating
from benchmarks.reference_numpy import Classifier, Residual
from benchmarks.workloads import Array, Workload

NAME = "numpy by hand"
PRODUCTS = "numpy's matrix products alone"


def residual_net(work: Workload) -> Residual:
    x, y = work.samples
    return Residual(work.blocks, x, y, work.rate, work.settings.precision)


def digits_net(work: Workload) -> Classifier:
    x, y = work.samples
    assert work.settings.batch is not None
    return Classifier(work.blocks, x.T, y, work.settings.batch, work.rate, work.settings.precision)


def residual(work: Workload) -> dict[str, Contender]:
    net = residual_net(work)
    return {NAME: Contender(repeating(net.step), work.length)}


def digits(work: Workload) -> dict[str, Contender]:
    net, count, random = digits_net(work), len(work.dataset.parts["train"]), np.random.default_rng(0)

    def run(epochs: int) -> None:
        for _ in range(epochs):
            net.epoch(random.permutation(count))

    return {NAME: Contender(run, work.length, steps=work.steps)}


def norms(work: Workload) -> dict[str, Contender]:
    return {"numpy, factored": Contender(repeating(factored_norms(work)), 200)}


def factored_norms(work: Workload) -> Callable[[], Array]:
    """‖∇ℓ‖ of each sample of a ReLU net with cross entropy: the sum over layers of ‖δ‖²(‖z‖² + 1)."""
    x, y = work.samples
    kind = work.settings.precision
    blocks = [(w.astype(kind), b.astype(kind)) for w, b in work.blocks]
    first, rows = np.ascontiguousarray(x.T, kind), np.arange(len(y))

    def squared(values: Array) -> Array:
        found: Array = np.einsum("ij,ij->i", values, values)
        return found

    def norms() -> Array:
        z = [first]
        for w, b in blocks[:-1]:
            z.append(np.maximum(z[-1] @ w.T + b, 0))
        u = z[-1] @ blocks[-1][0].T + blocks[-1][1]
        powers = np.exp(u - u.max(1, keepdims=True))
        delta = powers / powers.sum(1, keepdims=True)
        delta[rows, y] -= 1
        total = squared(delta) * (squared(z[-1]) + 1)
        for (w, _), after, before in zip(blocks[:0:-1], z[:0:-1], z[-2::-1], strict=True):
            delta = (delta @ w) * (after > 0)
            total += squared(delta) * (squared(before) + 1)
        found: Array = np.sqrt(total)
        return found

    return norms


def mlp(work: Workload) -> dict[str, Contender]:
    products = [partial(np.matmul, a, b, out) for a, b, out in matrices(work)]
    return {PRODUCTS: Contender(repeating(*products), work.length)}


def matrices(work: Workload) -> list[tuple[Array, Array, Array]]:
    """The products of a step as (a, b, a·b), samples in rows: forward, ∂W of each layer, and the slopes of
    the inputs of all layers but the first."""
    random, kind = np.random.default_rng(0), work.settings.precision
    batch = work.settings.batch
    assert batch is not None

    def make(*shape: int) -> Array:
        return random.standard_normal(shape).astype(kind)

    found = []
    for number, (w, _) in enumerate(work.blocks):
        outputs, inputs = w.shape
        weights, z, delta = make(outputs, inputs), make(batch, inputs), make(batch, outputs)
        found.append((z, weights.T, make(batch, outputs)))
        found.append((delta.T, z, make(outputs, inputs)))
        if number > 0:
            found.append((delta, weights, make(batch, inputs)))
    return found
