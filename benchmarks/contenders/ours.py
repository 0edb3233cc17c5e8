"""deltaplan, asked as its users ask it: the one place that knows how, and where a backend is named."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import deltaplan
from benchmarks.contest import Contender, Runner, repeating
from benchmarks.threads import threads_held
from benchmarks.workloads import Array, Workload, landscape_of, rows_of
from deltaplan.runtime.model import Model
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.train import train

NAME = "deltaplan"
BACKEND: Backend = "native"
LONGEST = 200_000  # steps, or epochs, of a turn
NETS = 2  # of an ensemble, as long as they are trained one by one
TRAIN_W1 = 'import deltaplan; deltaplan.train("specs/lecture/3x5.dl")'  # from the root of the checkout


def cache_in(folder: Path) -> Mapping[str, str]:
    """The environment in which what is compiled is kept in this folder."""
    return {"DELTAPLAN_CACHE": str(folder)}


def training(work: Workload, seeds: int = 1) -> Runner:
    """Trains for n steps (or epochs) from each of so many seeds, once data are read and plans are made."""

    def run(length: int) -> None:
        for seed in range(work.settings.seed, work.settings.seed + seeds):
            settings = replace(work.settings, length=length, seed=seed)
            train(
                replace(work.experiment, train=settings),
                work.dataset,
                work.plans,
                threads=threads_held(),
                backend=BACKEND,
            )

    return run


def losses(work: Workload, thetas: Array) -> Array:
    """The loss at each θ of a stack."""
    found: Array = deltaplan.problem(work.experiment).loss(thetas)
    return found


def predictor(work: Workload) -> Model:
    """What `Run.predict` asks."""
    return Model(work.experiment, work.theta.astype(work.settings.precision), work.preprocessing)


def residual(work: Workload) -> dict[str, Contender]:
    return {NAME: Contender(training(work), LONGEST, marginal=True)}


def snake(work: Workload) -> dict[str, Contender]:
    return residual(work)


def digits(work: Workload) -> dict[str, Contender]:
    return {NAME: Contender(training(work), LONGEST, steps=work.steps, marginal=True)}


def mlp(work: Workload) -> dict[str, Contender]:
    return {NAME: Contender(training(work), work.length, marginal=True)}


def landscape(work: Workload) -> dict[str, Contender]:
    """All points in one call."""
    thetas = landscape_of(work).thetas
    return {NAME: Contender(repeating(partial(losses, work, thetas)), 20)}


def one(work: Workload) -> dict[str, Contender]:
    return predictions(work, 1)


def many(work: Workload) -> dict[str, Contender]:
    return predictions(work, 1024)


def predictions(work: Workload, count: int) -> dict[str, Contender]:
    model, rows = predictor(work), rows_of(work, count)
    return {NAME: Contender(repeating(partial(model.predict, rows)), 10_000)}


def ensemble(work: Workload) -> dict[str, Contender]:
    """The time of a net and step: one training after the other, until nets are trained as one program."""
    return {NAME: Contender(training(work, NETS), LONGEST, steps=NETS, marginal=True)}
