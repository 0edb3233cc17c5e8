"""Training on the numpy backend, step by step: what the native loop is compared with."""

from collections.abc import Mapping
from dataclasses import field
from math import isfinite
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.plans import Plans
from deltaplan.diagnostics import Diagnostic
from deltaplan.records import dataclass
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import aligned
from deltaplan.runtime.backends.numpy.update import BoundUpdate
from deltaplan.runtime.batches import Batches
from deltaplan.runtime.best import best_of
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.divergence import explain
from deltaplan.runtime.dropout import fill
from deltaplan.runtime.first import first
from deltaplan.runtime.outcome import Ended, Outcome, Progress, Record, Start
from deltaplan.runtime.prepared import Prepared
from deltaplan.runtime.recorded import Recorder, recorded_every
from deltaplan.runtime.watch import Watch

RECORDS = 1000  # at most about so many lines of history


@dataclass
class Trainer:
    """A training run on the numpy backend. `vector` is θ with the running statistics behind it."""

    on_numpy: ClassVar[bool] = True
    experiment: Experiment
    dataset: Dataset
    plans: Plans | Prepared
    start: Start | None = None
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
        begin = self.start.counters["theta"] if self.start else first(self.experiment, self.plans)
        self.vector = aligned(len(begin), dtype)
        self.vector[:] = begin
        self.theta = self.vector[: sum(p.size for p in place_parameters(self.experiment.graph))]
        self.statistics = self.vector[len(self.theta) :]
        self.gradient = aligned(len(self.theta), dtype)
        self.update = BoundUpdate(self.plans.update, {"θ": self.theta, "g": self.gradient})
        self.data = arrays_of(self.part, dtype)
        self.step = 0
        self.seen = 0.0  # Σ of the loss over the epoch's samples so far
        self.best = best_of(spec, self.vector)
        if self.start:
            self._go_on(self.start)
        self.before = self.vector.copy()  # that of the last step whose objective and gradient were finite
        self._bound: dict[int, Bound] = {}
        self._rows = self.part.rows
        self._random = self.plans.train is not None and self.plans.train.random
        self._watch = Watch(self.experiment, self.dataset, self.plans.evaluate, self.vector)
        per_epoch = self.batches.per_epoch
        self.last = spec.length * (per_epoch if spec.unit == "epochs" else 1)
        self._recorder = Recorder(recorded_every(spec, per_epoch), self.theta)
        if not self.start:
            self._recorder.see(0)
        self.every = 1 if self.best else max(1, -(-self.last // per_epoch) // RECORDS)

    def run(self, progress: Progress) -> Outcome:
        """Trains to the end; `progress` hears of each record of the history."""
        ended: Ended = "complete"
        while self.step < self.last and not self.interrupted:
            epoch = self.step // self.batches.per_epoch
            for chosen in self.batches.epoch(epoch, self.step % self.batches.per_epoch):
                bound = self._load(chosen)
                bound.run()
                if not self._is_finite(bound):
                    return self._diverged(bound)
                self._update(bound)
                if self.step == self.last or self.interrupted:
                    break
            if self._record(epoch, float(bound[_objective(bound)]), progress):
                ended = "stopped early"
                break
        if self.interrupted and self.step < self.last:
            ended = "interrupted"
        return self._finished(ended)

    def _update(self, bound: Bound) -> None:
        np.copyto(self.before, self.vector)
        self.update.run(self.step + 1, self.step // self.batches.per_epoch)
        self.step += 1
        self._recorder.see(self.step)
        self.seen += float(np.add.reduce(bound[_sample_loss(bound)]))

    def _finished(self, ended: Ended) -> Outcome:
        """The end, once what the last update made of θ, which no step has seen, is known to be finite."""
        bound = self._load(np.arange(len(self.part))[: self.spec.batch] if self.spec.batch else None)
        statistics = self.statistics.copy()
        bound.run()
        if not self._is_finite(bound):
            return self._diverged(bound)
        self.statistics[:] = statistics
        kept = self.best.theta if self.best and self.spec.keep == "best" and self.best.step else self.vector
        return self._outcome(kept, self.step, ended)

    def _is_finite(self, bound: Bound) -> bool:
        """Whether the objective, the gradient and the running statistics of the step at hand are."""
        objective, square = float(bound[_objective(bound)]), float(self.gradient @ self.gradient)
        return isfinite(objective) and isfinite(square) and bool(np.isfinite(self.statistics).all())

    def _load(self, chosen: NDArray[np.intp] | None) -> Bound:
        """The program for this many samples, with the samples in its memory."""
        count = len(self.part) if chosen is None else len(chosen)
        bound = self._bound.get(count) or self._bind(count)
        if chosen is not None:
            if self._random:
                self._rows = self.part.rows[chosen]
            for name, array in bound.data.items():
                _take(self.data[name], chosen, array)
        return bound

    def _bind(self, count: int) -> Bound:
        vectors = {"θ": self.vector, "g": self.gradient}
        whole = self.data if self.spec.batch is None else None
        assert self.plans.train is not None, "what is trained states a problem"
        bound = bind(self.plans.train, vectors, count, whole, self._draw)
        bound.scale[...] = 1 / count if self.spec.average == "mean" else len(self.part) / count
        self._bound[count] = bound
        return bound

    def _draw(self, node: int, out: Array) -> None:
        fill(out, self.spec.seed, self.step, node, self._rows)

    def _record(self, epoch: int, objective: float, progress: Progress) -> bool:
        """The end of an epoch, or of what there was of it: a line of the history where one is due. True if
        training is to stop for want of a better value."""
        whole = self.step % self.batches.per_epoch == 0
        if not ((whole and (epoch + 1) % self.every == 0) or self.step == self.last):
            self.seen = 0.0 if whole else self.seen
            return False
        steps = self.step - epoch * self.batches.per_epoch
        samples = min(len(self.part), steps * (self.spec.batch or len(self.part)))
        loss = self.seen / samples * (1 if self.spec.average == "mean" else len(self.part))
        found = self._watch.look()
        monitored = {
            f"{self._watch.part_name}_{label}": value for label, value in found.items() if label != "loss"
        }
        record = Record(self.step, epoch + 1, loss, objective, found.get("loss"), monitored)
        self.history.append(record)
        self.seen = 0.0
        progress(record)
        return self._waited_long_enough(found)

    def _waited_long_enough(self, found: Mapping[str, float]) -> bool:
        if self.best is None:
            return False
        stop = self.spec.stop_early
        self.best.see(found[stop.on if stop else "loss"], self.vector, self.step)
        return stop is not None and self.best.waited >= stop.patience

    def _diverged(self, bound: Bound) -> Outcome:
        samples = {name: array.copy() for name, array in bound.data.items()}
        vector = np.concatenate([self.theta, self.before[len(self.theta) :]])  # as the step found it
        reason = explain(self.experiment, vector, samples, float(bound.scale), self.step + 1, self._draw)
        return self._outcome(self.before, max(self.step - 1, 0), "diverged", reason)

    def _outcome(
        self, theta: Array, step: int, ended: Ended, divergence: Diagnostic | None = None
    ) -> Outcome:
        states = {name: state.copy() for name, state in self.update.states.items()}
        history = tuple(self.history)
        last = theta if ended == "diverged" else self.vector
        return Outcome(
            theta.copy(),
            states,
            step,
            history,
            ended,
            self._counters(last),
            divergence,
            recorded=self._recorder.result(step),
        )

    def _counters(self, last: Array) -> dict[str, Array]:
        found = {"theta": last.copy(), "seen": np.array(self.seen)}
        if self.best:
            numbers = {"best": self.best.value, "best_step": self.best.step, "waited": self.best.waited}
            found |= {name: np.array(number) for name, number in numbers.items()}
            found["best_theta"] = self.best.theta.copy()
        return found

    def _go_on(self, start: Start) -> None:
        self.step = start.step
        self.seen = float(start.counters["seen"])
        for name, state in self.update.states.items():
            state[:] = start.states[name]
        if self.best and "best" in start.counters:
            self.best.value, self.best.step = float(start.counters["best"]), int(start.counters["best_step"])
            self.best.waited = int(start.counters["waited"])
            self.best.theta[:] = start.counters["best_theta"]


def _objective(bound: Bound) -> Any:
    return bound.plan.trace.objective


def _sample_loss(bound: Bound) -> Any:
    return bound.plan.trace.sample_loss


def _take(values: NDArray[Any], chosen: NDArray[np.intp], out: NDArray[Any]) -> None:
    """Some samples of an array [features, samples]. Where a sample lies in one piece, as in a file, numpy's
    `take` would copy the whole array first."""
    if values.flags.c_contiguous:
        values.take(chosen, axis=-1, out=out, mode="clip")
    else:
        out.T[...] = values.T[chosen]
