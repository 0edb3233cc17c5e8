"""The references in C."""

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks import reference_c
from benchmarks.contest import Contender, Runner, repeating
from benchmarks.workloads import Array, Workload, landscape_of, rows_of

NAME = "c"


def residual(work: Workload, snake: float | None = None) -> dict[str, Contender]:
    depth = len(work.blocks) - 2
    net = reference_c.Residual(depth, work.theta, *work.samples, work.rate, work.settings.precision, snake)
    return {NAME: Contender(afresh(net, net.train), work.length)}


def snake(work: Workload) -> dict[str, Contender]:
    return residual(work, snake=1.0)


def digits(work: Workload) -> dict[str, Contender]:
    x, y = work.samples
    net = reference_c.Digits(work.theta, x.T, y, work.rate, work.settings.seed, work.settings.precision)
    return {NAME: Contender(afresh(net, net.train), work.length, steps=work.steps)}


def afresh(
    net: reference_c.Residual | reference_c.Digits | reference_c.Convolution, train: Callable[[int], Array]
) -> Runner:
    """Training that begins at the beginning each time."""

    def run(length: int) -> None:
        net.state.restart()
        train(length)

    return run


def convolution(work: Workload) -> dict[str, Contender]:
    x, y = work.samples
    settings = work.settings
    net = reference_c.Convolution(
        work.theta, x.T, y, work.rate, work.momentum, settings.seed, settings.precision
    )
    return {NAME: Contender(afresh(net, net.train), work.length)}


def landscape(work: Workload) -> dict[str, Contender]:
    grid, precision = landscape_of(work), work.settings.precision
    surface = reference_c.Landscape(grid.theta, grid.directions, grid.a, grid.b, *work.samples, precision)
    return {NAME: Contender(repeating(surface.losses), 1000)}


def one(work: Workload) -> dict[str, Contender]:
    predictor, x = reference_c.Predictor(work.theta), rows_of(work, 1)[0].copy()
    out = np.zeros(10, np.float32)
    return {
        NAME: Contender(lambda units: predictor.repeated(units, x, out), 100_000),
        "c, called from Python": Contender(repeating(partial(predictor.one, x, out)), 10_000),
    }


def many(work: Workload) -> dict[str, Contender]:
    predictor, x = reference_c.Predictor(work.theta), rows_of(work, 1024)
    out = np.zeros((1024, 10), np.float32)
    return {NAME: Contender(repeating(partial(predictor.many, x, out)), 10_000)}


def ensemble(work: Workload) -> dict[str, Contender]:
    """One net: a step of W1."""
    return {"c, one net": residual(work)[NAME]}
