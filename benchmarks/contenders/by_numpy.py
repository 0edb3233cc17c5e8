"""numpy by hand, and the matrix products of W4 alone."""

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
