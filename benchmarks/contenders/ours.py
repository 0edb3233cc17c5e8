"""deltaplan, asked as its users ask it: the one place that knows how, and where a backend is named."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import deltaplan
from benchmarks.contest import Contender, Runner, repeating
from benchmarks.threads import threads_held
from benchmarks.workloads import Workload, landscape_of, rows_of
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.loops.llvm.train import write_training
from deltaplan.runtime.backends.native.engine import compile_parts
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.ensemble import prepared, train_together
from deltaplan.runtime.model import Model
from deltaplan.runtime.native_code import training_of, write_training_of
from deltaplan.runtime.nets import Nets
from deltaplan.runtime.outcome import Backend, Outcome
from deltaplan.runtime.predicting import predictor_of
from deltaplan.runtime.predictor import Predictor
from deltaplan.runtime.seeds import seeded
from deltaplan.runtime.train import train, trainer_of

NAME = "deltaplan"
BACKEND: Backend | None = None  # the native one, and numpy where that has no code
WHOLE = "deltaplan, all of `train`"
ALL = "loops, text and machine code"
ONE_THREAD = "deltaplan, one thread"
NETS = 1000  # of an ensemble
TRAIN_W1 = 'import deltaplan; deltaplan.train("specs/lecture/3x5.dl")'  # from the root of the checkout


def cache_in(folder: Path) -> Mapping[str, str]:
    """The environment in which what is compiled is kept in this folder."""
    return {"DELTAPLAN_CACHE": str(folder)}


def training(work: Workload) -> Runner:
    """What trains for n steps (or epochs), compiled."""

    def run(length: int) -> Callable[[], Outcome]:
        trainer, _ = trainer_of(
            of_length(work, length), work.dataset, work.plans, None, BACKEND, threads_held()
        )
        return lambda: trainer.run(lambda record: None)

    return run


def whole(work: Workload) -> Runner:
    """All that happens once data are read and plans are made: code, memory, training, history."""

    def run(length: int) -> Outcome:
        experiment, threads = of_length(work, length), threads_held()
        return train(experiment, work.dataset, work.plans, threads=threads, backend=BACKEND)

    return run


def many_nets(work: Workload, nets: int, threads: int) -> Runner:
    """What trains so many nets for n steps, compiled."""

    def run(length: int) -> Callable[[], Nets]:
        experiment = of_length(work, length)
        ready = prepared(experiment, work.dataset, work.plans)
        members = [seeded(experiment, seed) for seed in range(nets)]
        return lambda: train_together(ready, members, threads)

    return run


def of_length(work: Workload, length: int) -> Experiment:
    return replace(work.experiment, train=replace(work.settings, length=length))


def code(work: Workload) -> Mapping[str, Callable[[], object]]:
    """What comes between plans and machine code, none of it from a cache: loops and text each by itself, and
    all of it as a training has it."""
    experiment, target = of_length(work, 1), host()
    given = experiment, work.dataset, work.plans, target
    made = training_of(*given)
    return {
        "loops alone": partial(training_of, *given),
        "LLVM's text alone": partial(write_training, made, target.width),
        ALL: partial(compile_parts, partial(write_training_of, *given, ()), target),
    }


def predictor(work: Workload) -> Predictor:
    """What `Run.predictor` gives."""
    model = Model(work.experiment, work.theta.astype(work.settings.precision), work.preprocessing)
    return predictor_of(model, "native")


def residual(work: Workload) -> dict[str, Contender]:
    """A step, and all of a call with what the whole workload has of them."""
    return {
        NAME: Contender(
            training(work), work.length, work.steps, units=work.length, prepared=True, marginal=True
        ),
        WHOLE: Contender(whole(work), work.length, work.steps, units=work.length),
    }


snake = digits = mlp = convolution = residual


def norms(work: Workload) -> dict[str, Contender]:
    """Of all samples in one call."""
    problem = deltaplan.problem(work.experiment)
    call = partial(problem.per_sample_gradient_norms, work.theta, precision=work.settings.precision)
    return {NAME: Contender(repeating(call), 200)}


def landscape(work: Workload) -> dict[str, Contender]:
    """All points in one call."""
    grid = landscape_of(work)
    problem = deltaplan.problem(work.experiment)
    first, second = grid.directions
    plane = partial(problem.plane, grid.theta, first, second, grid.a, grid.b)
    losses = partial(plane, precision=work.settings.precision)
    return {NAME: Contender(repeating(losses), 1_000)}


def one(work: Workload) -> dict[str, Contender]:
    predict, x = predictor(work), rows_of(work, 1)[0].copy()
    return {NAME: Contender(repeating(partial(predict, x)), 10_000)}


def many(work: Workload) -> dict[str, Contender]:
    return {NAME: Contender(repeating(partial(predictor(work), rows_of(work, 1024))), 1_000)}


def ensemble(work: Workload) -> dict[str, Contender]:
    """The time of a net and step in a whole training, compiled, with the threads that were asked for and with
    one. It is not that of more steps: while Python prepares a few nets, others are trained."""
    return {
        name: Contender(many_nets(work, NETS, threads), work.length, NETS, units=work.length, prepared=True)
        for threads, name in {1: ONE_THREAD, threads_held(): NAME}.items()
    }
