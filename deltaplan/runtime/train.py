"""The training loop: batches, steps, history, and the ways in which it ends."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from types import FrameType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.plan import Plans, compile_plans
from deltaplan.diagnostics import Diagnostic
from deltaplan.runtime.backends.numpy.bind import Bound, BoundUpdate, bind, target_key
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import aligned
from deltaplan.runtime.batches import Batches
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.divergence import explain
from deltaplan.runtime.initial import initial
from deltaplan.runtime.random import Purpose, uniform
from deltaplan.runtime.threads import one_blas_thread

FLOAT64 = np.dtype(np.float64)
RECORDS = 1000  # at most about so many lines of history


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the history. `loss` is what training saw during the epoch that ends with `step`, `objective`
    that of its last step, with the regularizers; `validation_loss` is that after the step."""

    step: int
    epoch: int
    loss: float
    objective: float
    validation_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training reached: θ, the optimizer's vectors, the number of steps that led to θ, and why it ended.

    After divergence θ is the last with a finite objective and gradient; the vectors are one update ahead.
    """

    theta: Array
    states: Mapping[str, Array]
    step: int
    history: tuple[Record, ...]
    ended: Literal["complete", "interrupted", "diverged"]
    divergence: Diagnostic | None = None


Progress = Callable[[Record], None]


def train(
    experiment: Experiment,
    dataset: Dataset,
    plans: Plans | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Carries out the `train` block on the training part. Ctrl-C ends it after the step at hand; divergence
    (NaN or infinity in the objective or the gradient) before the step that it spoils."""
    trainer = Trainer(experiment, dataset, plans or compile_plans(experiment))
    with np.errstate(all="ignore"), one_blas_thread(), _interruptible(trainer):
        return trainer.run(progress or (lambda record: None))


@dataclass(slots=True)
class Epoch:
    """What has been seen in the epoch so far."""

    number: int
    total: float = 0.0


@dataclass
class Trainer:
    """A training run on the numpy backend."""

    experiment: Experiment
    dataset: Dataset
    plans: Plans
    interrupted: bool = False
    history: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec = self.experiment.train
        assert spec is not None, "training needs a `train` block"
        assert self.plans.update is not None
        self.spec: TrainSpec = spec
        self.part: Part = self.dataset.parts["train"]
        self.batches = Batches(len(self.part), spec.batch, spec.seed)
        dtype = np.dtype(spec.precision)
        first = initial(self.experiment.graph, spec.seed)
        self.theta, self.gradient = aligned(len(first), dtype), aligned(len(first), dtype)
        self.theta[:] = first
        self.before = self.theta.copy()  # θ of the last step whose objective and gradient were finite
        self.update = BoundUpdate(self.plans.update, {"θ": self.theta, "g": self.gradient})
        self.data = arrays_of(self.part, dtype)
        self.step = 0
        self._bound: dict[int, Bound] = {}
        self._rows = self.part.rows
        self._validation = self._bind_validation(dtype)

    def run(self, progress: Progress) -> Outcome:
        per_epoch = self.batches.per_epoch
        last = self.spec.length * (per_epoch if self.spec.unit == "epochs" else 1)
        every = max(1, -(-last // per_epoch) // RECORDS)
        while self.step < last and not self.interrupted:
            epoch = Epoch(self.step // per_epoch)
            for chosen in self.batches.epoch(epoch.number):
                bound = self._load(chosen)
                bound.run()
                if not self._is_finite(bound):
                    return self._diverged(bound)
                objective = float(bound[_objective(bound)])
                np.copyto(self.before, self.theta)
                self.step += 1
                self.update.run(self.step)
                epoch.total += float(np.add.reduce(bound[_sample_loss(bound)]))
                if self.step == last or self.interrupted:
                    break
            if (epoch.number + 1) % every == 0 or self.step == last or self.interrupted:
                self._record(epoch, objective, progress)
        bound.run()  # what the last update made of θ has been seen by no step
        if not self._is_finite(bound):
            return self._diverged(bound)
        return self._outcome(self.theta, self.step, "complete" if self.step == last else "interrupted")

    def _is_finite(self, bound: Bound) -> bool:
        """Whether the objective and the gradient of the step at hand are."""
        objective, square = float(bound[_objective(bound)]), float(self.gradient @ self.gradient)
        return isfinite(objective) and isfinite(square)

    def _load(self, chosen: NDArray[np.intp] | None) -> Bound:
        """The program for this many samples, with the samples in its memory."""
        count = len(self.part) if chosen is None else len(chosen)
        bound = self._bound.get(count) or self._bind(count)
        if chosen is not None:
            self._rows = self.part.rows[chosen]
            for name, array in bound.data.items():
                np.take(self.data[name], chosen, axis=-1, out=array, mode="clip")
        return bound

    def _bind(self, count: int, plan_reuse: bool = True) -> Bound:
        vectors = {"θ": self.theta, "g": self.gradient}
        whole = self.data if self.spec.batch is None else None
        assert self.plans.train is not None, "what is trained states a problem"
        bound = bind(self.plans.train, vectors, count, whole, self._draw, plan_reuse)
        bound.scale[...] = 1 / count if self.spec.average == "mean" else len(self.part) / count
        self._bound[count] = bound
        return bound

    def _draw(self, node: int, out: Array) -> None:
        """Random numbers for a step: they depend on seed, step, node, sample and feature alone."""
        features = out.size // out.shape[-1]
        drawn = uniform(
            Purpose.DROPOUT,
            self.spec.seed,
            self.step,
            node,
            (out.shape[-1], features),
            samples=self._rows,
            bits=24,
        )
        np.copyto(out, drawn.T.reshape(out.shape), casting="same_kind")

    def _record(self, epoch: Epoch, objective: float, progress: Progress) -> None:
        seen = self.step - epoch.number * self.batches.per_epoch
        samples = min(len(self.part), seen * (self.spec.batch or len(self.part)))
        loss = epoch.total / samples * (1 if self.spec.average == "mean" else len(self.part))
        record = Record(self.step, epoch.number + 1, loss, objective, self._validation_loss())
        self.history.append(record)
        progress(record)

    def _bind_validation(self, dtype: np.dtype[Any]) -> Bound | None:
        part = self.dataset.parts.get("validation")
        if part is None:
            return None
        return bind(self.plans.evaluate, {"θ": self.theta}, len(part), arrays_of(part, dtype))

    def _validation_loss(self) -> float | None:
        if self._validation is None:
            return None
        self._validation.run()
        losses = self._validation[_sample_loss(self._validation)]
        return float(losses.mean() if self.spec.average == "mean" else losses.sum())

    def _diverged(self, bound: Bound) -> Outcome:
        samples = {name: array.copy() for name, array in bound.data.items()}
        reason = explain(
            self.experiment, self.theta.copy(), samples, float(bound.scale), self.step + 1, self._draw
        )
        return self._outcome(self.before, max(self.step - 1, 0), "diverged", reason)

    def _outcome(
        self,
        theta: Array,
        step: int,
        ended: Literal["complete", "interrupted", "diverged"],
        divergence: Diagnostic | None = None,
    ) -> Outcome:
        states = {name: state.copy() for name, state in self.update.states.items()}
        return Outcome(theta.copy(), states, step, tuple(self.history), ended, divergence)


def arrays_of(part: Part, dtype: np.dtype[Any] = FLOAT64) -> dict[str, Array]:
    """A part's arrays under the keys of `bind`, in the precision that is asked for."""
    found = {name: np.ascontiguousarray(x, dtype) for name, x in part.x.items()}
    for name, y in part.y.items():
        kind = np.dtype(np.intp) if y.dtype.kind in "iu" else dtype
        found[target_key(name)] = np.ascontiguousarray(y, kind)
    return found


def _objective(bound: Bound) -> Any:
    return bound.plan.trace.objective


def _sample_loss(bound: Bound) -> Any:
    return bound.plan.trace.sample_loss


@contextmanager
def _interruptible(trainer: Trainer) -> Iterator[None]:
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
