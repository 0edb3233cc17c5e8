"""The training loop around a solver: each point that it reaches is an epoch of one step."""

from dataclasses import field, replace
from math import isfinite
from typing import ClassVar

import numpy as np

from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.nodes import Penalty
from deltaplan.compiler.plans import Plans
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.plugins.contracts import Solver
from deltaplan.plugins.solving import Iterate
from deltaplan.records import dataclass
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.best import best_of
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.divergence import explain
from deltaplan.runtime.first import first
from deltaplan.runtime.outcome import Backend, Ended, Outcome, Progress, Record
from deltaplan.runtime.prepared import Prepared
from deltaplan.runtime.recorded import Recorder, recorded_every
from deltaplan.runtime.solvers.objective import TrainedObjective
from deltaplan.runtime.watch import Watch

REGULARIZE = "without a regularizer the minimum may lie at infinity: `+ l2(1e-4)` brings it near"
RECORDS = 1000  # at most about so many lines of history


@mistake
class NotConverged(Diagnostic):
    code: ClassVar[str] = "not-converged"
    title: ClassVar[str] = "`{optimizer}` has not come to a minimum in {steps} steps: ‖∇J‖ is {norm:.3g}"
    help: ClassVar[str] = "{mend}"
    optimizer: str
    steps: int
    norm: float
    mend: str | None


@dataclass
class SolverTrainer:
    """A run of a solver, from the θ that `first` gives on. An exact one computes in float64."""

    on_numpy: ClassVar[bool] = True
    experiment: Experiment
    dataset: Dataset
    plans: Plans | Prepared
    backend: Backend
    interrupted: bool = False
    history: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec = self.experiment.train
        assert spec is not None, "training needs a `train` block"
        assert self.plans.train is not None, "what is trained states a problem"
        assert spec.solver is not None
        self.spec: TrainSpec = spec
        self.solver: Solver = spec.solver
        self.part: Part = self.dataset.parts["train"]
        self.theta: Array = first(self.experiment, self.plans).astype(spec.precision)
        self.scale = 1 / len(self.part) if spec.average == "mean" else 1.0
        inner = np.dtype(np.float64) if self.solver.exact else self.theta.dtype
        self._data = arrays_of(self.part, inner)
        self.objective = TrainedObjective(
            self.plans.train,
            self.theta.astype(inner),
            self._data,
            self.scale,
            self.backend,
            self.solver.exact,
        )
        self.step = 0
        self.best = best_of(spec, self.theta)
        self.every = 1 if self.best else max(1, spec.length // RECORDS)
        self._watch = Watch(self.experiment, self.dataset, self.plans.evaluate, self.theta)
        self._recorder = Recorder(recorded_every(spec, 1), self.theta)
        self._recorder.see(0)

    def run(self, progress: Progress) -> Outcome:
        """Solves to the end; `progress` hears of each record of the history."""
        x = self.theta[self.objective.at].astype(np.float64)
        value, gradient = self.objective(x)
        if not _is_finite(value, gradient):
            return self._diverged()
        optimizer = self.spec.optimizer
        values = {p.name: optimizer.values.get(p.name, p.default) for p in optimizer.contract.parameters}
        for reached in self.solver.minimize(self.objective, x, **values):
            if not _is_finite(reached.value, reached.gradient):
                return self._diverged()
            ended = self._take(reached, progress)
            if ended:
                return self._outcome(ended)
        return self._outcome("converged")

    def _take(self, reached: Iterate, progress: Progress) -> Ended | None:
        """One more point; why the run ends with it, if it does."""
        self.theta[self.objective.at] = reached.x
        self.step += 1
        self._recorder.see(self.step)
        last = self.step == self.spec.length or self.interrupted
        stops = (last or self.step % self.every == 0) and self._record(reached, progress)
        if stops:
            return "stopped early"
        if self.step == self.spec.length:
            return "complete"
        return "interrupted" if self.interrupted else None

    def _record(self, reached: Iterate, progress: Progress) -> bool:
        """A line of the history; True where it is time to stop."""
        found = self._watch.look()
        part = self._watch.part_name
        metrics = {f"{part}_{label}": value for label, value in found.items() if label != "loss"}
        loss = self.objective.loss(reached.x)
        record = Record(self.step, self.step, loss, reached.value, found.get("loss"), metrics)
        self.history.append(record)
        progress(record)
        if self.best is None:
            return False
        stop = self.spec.stop_early
        self.best.see(found[stop.on if stop else "loss"], self.theta, self.step)
        return stop is not None and self.best.waited >= stop.patience

    def _outcome(self, ended: Ended) -> Outcome:
        best = self.best
        kept = best.theta if best and self.spec.keep == "best" and best.step else self.theta
        _, gradient = self.objective(kept[self.objective.at].astype(np.float64))
        norm = float(np.linalg.norm(gradient))
        outcome = replace(self._reached(ended), theta=kept.copy(), gradient_norm=norm)
        if self.solver.exact and ended == "complete":
            use = self.spec.optimizer
            mend = None if self.experiment.graph.of(Penalty) else REGULARIZE
            told = NotConverged(span=use.span, optimizer=use.name, steps=self.step, norm=norm, mend=mend)
            return replace(outcome, warnings=(told,))
        return outcome

    def _diverged(self) -> Outcome:
        def draw(node: int, out: Array) -> None:
            raise AssertionError("a random objective is refused")

        reason = explain(self.experiment, self.theta.copy(), self._data, self.scale, self.step + 1, draw)
        return replace(self._reached("diverged"), divergence=reason)

    def _reached(self, ended: Ended) -> Outcome:
        """The last point."""
        return Outcome(
            theta=self.theta.copy(),
            states={},
            step=self.step,
            history=tuple(self.history),
            ended=ended,
            counters={"theta": self.theta.copy(), "seen": np.array(0.0)},
            backend=self.backend,
            recorded=self._recorder.result(self.step),
        )


def _is_finite(value: float, gradient: Array) -> bool:
    return isfinite(value) and isfinite(float(gradient @ gradient))
