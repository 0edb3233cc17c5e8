"""Training on the native backend: the whole loop is one call, which Python only watches."""

import threading
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.loops.llvm.control import COLUMNS, Real, Status, Whole
from deltaplan.compiler.plans import Plans
from deltaplan.records import dataclass
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.memory import (
    counter_of,
    features_first,
    in_blocks,
    numbers_of,
    samples_first,
    zeros,
)
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.batches import Batches
from deltaplan.runtime.best import best_of
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.first import first
from deltaplan.runtime.native_loop import FLOAT64, INT64, ROOM, Memory, NativeLoop
from deltaplan.runtime.native_units import unit_numbers
from deltaplan.runtime.outcome import Ended, Outcome, Progress, Record, Start
from deltaplan.runtime.prepared import Prepared
from deltaplan.runtime.random import Purpose
from deltaplan.runtime.recorded import Recorded, recorded_every
from deltaplan.runtime.threads import blas_threads, cores, wait_for

if TYPE_CHECKING:
    from deltaplan.runtime.divergence import Diverged
    from deltaplan.runtime.watch import Watch

RECORDS = 1000  # at most about so many lines of history
SHORT, GLANCE = 0.002, 0.05  # seconds until the first look at a training that runs, and between later ones
ENDED: Mapping[int, Ended] = {
    Status.COMPLETE: "complete",
    Status.STOPPED: "stopped early",
    Status.INTERRUPTED: "interrupted",
}


@dataclass
class NativeTrainer:
    """A training run on the native backend."""

    experiment: Experiment
    dataset: Dataset
    plans: Plans | Prepared
    start: Start | None = None
    threads: int | None = None
    history: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec = self.experiment.train
        assert spec is not None, "training needs a `train` block"
        self.spec: TrainSpec = spec
        self.part: Part = self.dataset.parts["train"]
        self.checks = "validation" in self.dataset.parts  # whether records tell a loss on other samples
        self.looked_at: Part = self.dataset.parts["validation" if self.checks else "train"]
        self.batches = Batches(len(self.part), spec.batch, spec.seed)
        self.dtype = np.dtype(spec.precision)
        self.loop = self._loop()
        self._library = Library(self.loop.objects)
        self._call = self._library.function("train", ["ptr", "ptr", "ptr"])
        if self.loop.chunks:
            self._help = self._library.function("work", ["ptr", "i64"])
        self.memory = Memory(self.loop, self.dtype)
        self.whole, self.real = zeros(len(Whole), INT64), zeros(len(Real), FLOAT64)
        self.best = best_of(spec, np.zeros(self.loop.length, self.dtype))
        self._watch = self._watcher() if self.loop.waits else None
        self._fill()
        self._begin()

    @property
    def on_numpy(self) -> bool:
        """Whether numpy has a part in it: it works out what is monitored where there is no code for that."""
        return self._watch is not None

    @property
    def interrupted(self) -> bool:
        """Whether training is to end after the step at hand."""
        return bool(self.whole[Whole.STOP] == 1)

    @interrupted.setter
    def interrupted(self, value: bool) -> None:
        self.whole[Whole.STOP] = int(value)

    def run(self, progress: Progress) -> Outcome:
        """Trains to the end; `progress` hears of each record of the history."""
        while True:
            self._work(progress)
            status = int(self.whole[Whole.STATUS])
            if status == Status.WATCH and self._look(progress):
                self.whole[Whole.STOP] = 2
            if status not in (Status.FULL, Status.WATCH):
                return self._outcome(status)

    def _loop(self) -> NativeLoop:
        """As it is kept, or compiled now."""
        if isinstance(self.plans, Prepared):
            return self.plans.loop(self.dataset)
        from deltaplan.runtime.native_code import native_loop

        return native_loop(self.experiment, self.dataset, self.plans)

    def _watcher(self) -> "Watch":
        from deltaplan.runtime.watch import Watch

        self._watched = np.zeros(self.loop.length, self.dtype)
        return Watch(self.experiment, self.dataset, self.plans.evaluate, self._watched)

    def _fill(self) -> None:
        """Data, keys and factors into memory."""
        m, loop, spec = self.memory, self.loop, self.spec
        data = arrays_of(self.part)
        for key in loop.leaves:
            if loop.batch is None:
                for piece, chosen in self._pieces():
                    m[f"in {key}{piece}"] = features_first(data[key][..., chosen], self.dtype)
            else:
                m[f"rows {key}"] = samples_first(data[key], self.dtype)
        if loop.random:
            if loop.batch is not None:
                m["rows samples"] = numbers_of(self.part.rows, self.dtype)
            else:
                for piece, chosen in self._pieces():
                    m[f"samples{piece}"] = numbers_of(self.part.rows[chosen], self.dtype)
            m["counter"] = counter_of(spec.seed, Purpose.DROPOUT)
        if loop.tables:
            from deltaplan.runtime.patterns import table

            for found in loop.tables:
                m[found.name] = table(found)
        if loop.batch is not None:
            m["shuffle"] = counter_of(spec.seed, Purpose.SHUFFLE)
        if loop.validation:
            data = arrays_of(self.looked_at)
            for key in loop.leaves:
                m[f"validation {key}"] = in_blocks(data[key], loop.block, self.dtype)
        for (output, name), (begin, size) in loop.units.items():
            columns = self.dataset.preprocessing.targets[output]
            values = unit_numbers(columns, name, size, self.looked_at.y[output])
            for space in ("units", "units of float64"):
                m[space][begin : begin + size] = values
        mean = spec.average == "mean"
        for number, count in enumerate(loop.counts):
            m["count"][number] = count
            m["scale"][number] = 1 / count if mean else len(self.part) / count
        self.real[Real.SCALE] = 1.0 if mean else len(self.part)
        self.real[Real.VALIDATION_SCALE] = 1 / loop.validation if mean and loop.validation else 1.0

    def _pieces(self) -> list[tuple[str, slice]]:
        """What stands behind the names of a full batch's data, and which samples they are: chunk by chunk."""
        if not self.loop.chunks:
            return [("", slice(None))]
        return [(f"@{c}", slice(begin, begin + size)) for c, (begin, size) in enumerate(self.loop.chunks)]

    def _begin(self) -> None:
        spec, whole = self.spec, self.whole
        theta = self.start.counters["theta"] if self.start else first(self.experiment, self.plans)
        per_epoch = self.batches.per_epoch
        last = spec.length * (per_epoch if spec.unit == "epochs" else 1)
        whole[Whole.LAST], whole[Whole.ROOM] = last, ROOM
        whole[Whole.THREADS] = self._threads()
        whole[Whole.EVERY] = 1 if self.best else max(1, -(-last // per_epoch) // RECORDS)
        whole[Whole.PATIENCE] = spec.stop_early.patience if spec.stop_early else -1
        whole[Whole.WATCHED] = self._watch is not None
        on = spec.stop_early.on if spec.stop_early else "loss"
        columns = {"loss": COLUMNS.index("validation_loss")}
        columns |= {label: len(COLUMNS) + i for i, label in enumerate(self.loop.labels)}
        whole[Whole.FOLLOWED] = columns.get(on, -1) if self.best else -1
        whole[Whole.HIGHER] = self.best is not None and self.best.better == "higher"
        self._first = theta
        if every := recorded_every(spec, per_epoch):
            whole[Whole.KEEP] = every
            room = (last // every - self._from // every) * self.loop.size
            self.memory["kept"] = zeros(room, self.dtype)
        if self.best:
            self.real[Real.BEST], self.real[Real.MIN_CHANGE] = self.best.value, self.best.min_change
            self.memory["best"][:] = theta
        if self.start:
            theta = self._go_on(self.start)
        self.memory["θ"][:] = self.memory["θ other"][:] = theta

    def _threads(self) -> int:
        """As many as there are cores for, and chunks; one where a step is not cut."""
        return min(self.threads or cores(), self.loop.most)

    def _go_on(self, start: Start) -> Array:
        """Takes up what an earlier run has left; gives the θ of its last step."""
        self.whole[Whole.STEP] = start.step
        self.real[Real.SEEN] = float(start.counters["seen"])
        for name in self.loop.states:
            self.memory[f"state {name}"][:] = start.states[name]
        if self.best and "best" in start.counters:
            self.best.value, self.best.step = float(start.counters["best"]), int(start.counters["best_step"])
            self.best.waited = int(start.counters["waited"])
            self.best.theta[:] = start.counters["best_theta"]
            self.memory["best"][:] = self.best.theta
            self.real[Real.BEST] = self.best.value
            self.whole[Whole.BEST_STEP], self.whole[Whole.WAITED] = self.best.step, self.best.waited
        return start.counters["theta"]

    def _work(self, progress: Progress) -> None:
        """Calls the loop until it returns. Where this is the main thread, which hears of Ctrl-C, another one
        does the work."""
        table = self.memory.table()
        call = (table.ctypes.data, self.whole.ctypes.data, self.real.ctypes.data)
        helpers = self._helpers(table)
        if threading.current_thread() is not threading.main_thread():
            self._call(*call)
            wait_for(helpers)
        else:
            worker = threading.Thread(target=self._call, args=call, name="training", daemon=True)
            worker.start()
            try:
                self._watch_over(worker, progress)
            except BaseException:
                self.interrupted = True
                raise
            finally:
                wait_for((worker, *helpers))
        self._drain(progress)

    def _helpers(self, table: NDArray[np.uintp]) -> list[threading.Thread]:
        """The other threads, which wait for work until the loop sends them home."""
        if not self.loop.chunks:
            return []
        self.memory["signal"][:] = 0
        ranks = range(1, int(self.whole[Whole.THREADS]))
        helpers = [
            threading.Thread(target=self._help, args=(table.ctypes.data, r), daemon=True) for r in ranks
        ]
        for helper in helpers:
            helper.start()
        return helpers

    def _watch_over(self, worker: threading.Thread, progress: Progress) -> None:
        worker.join(SHORT)
        while worker.is_alive():
            self._drain(progress)
            worker.join(GLANCE)

    def _drain(self, progress: Progress) -> None:
        """Reads the records that are there; the last one is left where it is still to be looked at."""
        written = int(self.whole[Whole.RECORDS])
        if self.whole[Whole.WATCHED]:
            written -= 1
        rows = self.memory["records"].reshape(ROOM, -1)
        for number in range(int(self.whole[Whole.DRAINED]), written):
            row = rows[number % ROOM].tolist()
            self._record(row, self._metrics(row), progress)
            self.whole[Whole.DRAINED] = number + 1

    def _metrics(self, row: list[float]) -> dict[str, float]:
        part = "validation" if self.checks else "train"
        values = row[len(COLUMNS) :]
        return {f"{part}_{label}": v for label, v in zip(self.loop.labels, values, strict=True)}

    def _record(self, row: list[float], metrics: dict[str, float], progress: Progress) -> None:
        step, epoch, loss, objective, validation = row[: len(COLUMNS)]
        known = validation if self.checks else None
        record = Record(int(step), int(epoch), loss, objective, known, metrics)
        self.history.append(record)
        progress(record)

    def _look(self, progress: Progress) -> bool:
        """The record at hand with what is monitored; True where training is to stop."""
        assert self._watch is not None
        self._watched[:] = self.theta
        found = self._watch.look()
        number = int(self.whole[Whole.RECORDS]) - 1
        rows = self.memory["records"].reshape(ROOM, -1)
        part = self._watch.part_name
        metrics = {f"{part}_{label}": value for label, value in found.items() if label != "loss"}
        self._record(rows[number % ROOM].tolist(), metrics, progress)
        self.whole[Whole.DRAINED] = number + 1
        if self.best is None:
            return False
        stop = self.spec.stop_early
        self.best.see(found[stop.on if stop else "loss"], self.theta, int(self.whole[Whole.STEP]))
        return stop is not None and self.best.waited >= stop.patience

    @property
    def theta(self) -> Array:
        """θ of the last step that was done."""
        return self.memory["θ other" if self.whole[Whole.CURRENT] else "θ"]

    @property
    def before(self) -> Array:
        """θ before the last update."""
        return self.memory["θ" if self.whole[Whole.CURRENT] else "θ other"]

    def _outcome(self, status: int) -> Outcome:
        step = int(self.whole[Whole.STEP])
        if self.best and self._watch is None:
            self.best.value, self.best.step = float(self.real[Real.BEST]), int(self.whole[Whole.BEST_STEP])
            self.best.waited = int(self.whole[Whole.WAITED])
            np.copyto(self.best.theta, self.memory["best"])
        states = {name: self.memory[f"state {name}"].copy() for name in self.loop.states}
        if status == Status.DIVERGED:
            last, counters = self.before, self._counters(self.before)
            reason = self._reason()
            history = tuple(self.history)
            reached = max(step - 1, 0)
            return Outcome(
                last.copy(),
                states,
                reached,
                history,
                "diverged",
                counters,
                reason,
                "native",
                self._recorded(reached),
            )
        keeps = self.best and self.spec.keep == "best" and self.best.step
        kept = self.best.theta if self.best and keeps else self.theta
        history = tuple(self.history)
        counters = self._counters(self.theta)
        recorded = self._recorded(step)
        return Outcome(kept.copy(), states, step, history, ENDED[status], counters, None, "native", recorded)

    def _recorded(self, step: int) -> Recorded | None:
        """θ along the way up to a step; that before the first stands at its head."""
        every = int(self.whole[Whole.KEEP])
        if not every:
            return None
        count = int(self.whole[Whole.KEPT])
        kept = self.memory["kept"].reshape(-1, self.loop.size)[:count]
        steps = (self._from // every + 1 + np.arange(count, dtype=np.int64)) * every
        kept, steps = kept[steps <= step], steps[steps <= step]
        if self.start:
            return Recorded(steps, kept.copy())
        first = np.asarray(self._first[: self.loop.size], self.dtype)[None]
        return Recorded(np.append(np.int64(0), steps), np.concatenate([first, kept]))

    @property
    def _from(self) -> int:
        """The steps that earlier runs made."""
        return self.start.step if self.start else 0

    def _counters(self, last: Array) -> dict[str, Array]:
        found = {"theta": last.copy(), "seen": np.array(self.real[Real.SEEN])}
        if self.best:
            numbers = {"best": self.best.value, "best_step": self.best.step, "waited": self.best.waited}
            found |= {name: np.array(number) for name, number in numbers.items()}
            found["best_theta"] = self.best.theta.copy()
        return found

    def _reason(self) -> "Diverged":
        """Runs the step at hand once more on numpy, with the same samples and random numbers."""
        from deltaplan.runtime.divergence import explain
        from deltaplan.runtime.dropout import fill

        step = int(self.whole[Whole.STEP])
        chosen = self._chosen(step)
        rows = self.part.rows if chosen is None else self.part.rows[chosen]
        data = arrays_of(self.part, self.dtype)
        samples = {k: np.ascontiguousarray(a if chosen is None else a[..., chosen]) for k, a in data.items()}
        scale = 1 / len(rows) if self.spec.average == "mean" else len(self.part) / len(rows)

        def draw(node: int, out: Array) -> None:
            fill(out, self.spec.seed, step, node, rows)

        size = self.loop.size
        vector = np.concatenate([self.theta[:size], self.before[size:]])  # as the step found it
        with np.errstate(all="ignore"), blas_threads():
            return explain(self.experiment, vector, samples, scale, step + 1, draw)

    def _chosen(self, step: int) -> NDArray[np.intp] | None:
        """The samples of a step; the first ones for the look at θ after the last."""
        if self.spec.batch is None:
            return None
        if self.whole[Whole.AT_END]:
            return np.arange(len(self.part))[: self.spec.batch]
        per_epoch = self.batches.per_epoch
        return next(self.batches.epoch(step // per_epoch, step % per_epoch))
