"""Training: which backend does it, and how Ctrl-C ends it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.plans import Plans
from deltaplan.diagnostics import Diagnostic
from deltaplan.pauses import uncollected
from deltaplan.runtime.choice import choose
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.outcome import Backend, Outcome, Progress, Start
from deltaplan.runtime.prepared import Prepared
from deltaplan.runtime.threads import blas_threads

if TYPE_CHECKING:
    from deltaplan.runtime.native_trainer import NativeTrainer
    from deltaplan.runtime.numpy_trainer import Trainer
    from deltaplan.runtime.solvers import SolverTrainer

    AnyTrainer = Trainer | NativeTrainer | SolverTrainer


def train(
    experiment: Experiment,
    dataset: Dataset,
    plans: Plans | Prepared | None = None,
    progress: Progress | None = None,
    start: Start | None = None,
    threads: int | None = None,
    backend: Backend | None = None,
) -> Outcome:
    """Carries out the `train` block on the training part. Ctrl-C ends it after the step at hand; divergence
    (NaN or infinity in the objective or the gradient) before the step that it spoils. From a `start` it goes
    on, and ends with the bits of a run that was never interrupted.

    `backend` is the native one unless another is named, and numpy where that cannot be had. `threads` are
    chosen by the work of a step if None; on the native backend the bits do not depend on them, on numpy,
    where they are those of BLAS, they do. SpecError where a backend is named that cannot run this.
    """
    plans = plans or Prepared(experiment)
    trainer, warnings = trainer_of(experiment, dataset, plans, start, backend, threads)
    held = blas_threads(threads or 1) if trainer.on_numpy else nullcontext()
    with np.errstate(all="ignore"), held, interruptible(trainer):
        outcome = trainer.run(progress or (lambda record: None))
    return replace(outcome, warnings=(*warnings, *outcome.warnings))


@uncollected()
def trainer_of(
    experiment: Experiment,
    dataset: Dataset,
    plans: Plans | Prepared,
    start: Start | None,
    backend: Backend | None,
    threads: int | None = None,
) -> tuple["AnyTrainer", tuple[Diagnostic, ...]]:
    """The trainer of the backend that is asked for, or the best that can be had, and what is to be told."""

    def native() -> "AnyTrainer":
        if experiment.train and experiment.train.solver:
            from deltaplan.runtime.solvers import SolverTrainer

            return SolverTrainer(experiment, dataset, plans, "native")
        from deltaplan.runtime.native_trainer import NativeTrainer

        return NativeTrainer(experiment, dataset, plans, start, threads)

    def numpy() -> "AnyTrainer":
        if experiment.train and experiment.train.solver:
            from deltaplan.runtime.solvers import SolverTrainer

            return SolverTrainer(experiment, dataset, plans, "numpy")
        from deltaplan.runtime.numpy_trainer import Trainer

        return Trainer(experiment, dataset, plans, start)

    return choose(backend, native, numpy)


@contextmanager
def interruptible(trainer: "AnyTrainer") -> Iterator[None]:
    """Ctrl-C lets the step at hand finish; a second one is an ordinary KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ordinary = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:
        trainer.interrupted = True
        signal.signal(signal.SIGINT, ordinary)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, ordinary)
