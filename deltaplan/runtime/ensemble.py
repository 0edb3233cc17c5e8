"""Many trainings of one spec at once, which differ in their seed: each gives what it would give by itself."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import nan

import numpy as np

from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.loops.ensemble import MOST, Ensemble, ensemble
from deltaplan.compiler.loops.llvm.ensemble import tables, write_ensemble
from deltaplan.compiler.loops.llvm.order import LANES, buckets
from deltaplan.compiler.loops.llvm.train import COLUMNS, Real, Status, Whole
from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.compiler.loops.update import AHEAD
from deltaplan.compiler.plan import Plans
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.native.engine import Library, object_of
from deltaplan.runtime.backends.native.memory import in_blocks, numbers_of, samples_first, zeros
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.batches import Batches
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.initial import initial_of
from deltaplan.runtime.native_trainer import ENDED, FLOAT64, INT64, KINDS, RECORDS
from deltaplan.runtime.nets import Nets, together
from deltaplan.runtime.random import Purpose, key
from deltaplan.runtime.threads import cores
from deltaplan.runtime.watch import best_of

KINDS_OF = {
    "int64": ("status", "ended", "best step", "waited", "orders", "work"),
    "float64": ("records", "ahead", "ahead out", "seen", "best value"),
    "uint32": ("counter", "shuffle"),
}


@dataclass(frozen=True, slots=True)
class Ready:
    """A spec compiled for many nets, with its data."""

    experiment: Experiment
    dataset: Dataset
    parts: Ensemble
    library: Library


def prepared(experiment: Experiment, dataset: Dataset, plans: Plans) -> Ready:
    """Compiles the loop. NoScheduleError where nets cannot be trained together."""
    spec = experiment.train
    assert spec is not None
    assert plans.train is not None
    if plans.update is None:
        raise NoScheduleError("solvers of many nets at once")
    if spec.monitor or spec.record is not None or spec.warm_start is not None:
        raise NoScheduleError("monitored metrics, recorded parameters or a warm start of many nets at once")
    validation = dataset.parts.get("validation")
    target, dtype = host(), np.dtype(spec.precision)
    parts = ensemble(
        plans.train,
        plans.evaluate if validation is not None else None,
        plans.update,
        KINDS[spec.precision],
        target.schedule(dtype.itemsize),
        len(dataset.parts["train"]),
        spec.batch,
        len(validation) if validation is not None else 0,
    )
    if parts is None:
        raise NoScheduleError("samples that depend on each other in many nets at once")
    text = write_ensemble(parts, target.width)
    return Ready(experiment, dataset, parts, Library(object_of(text, target), target))


def train_together(
    ready: Ready,
    seeds: Sequence[int],
    threads: int | None = None,
    done: Callable[[int], None] = lambda count: None,
) -> Nets:
    """Trains a net for each seed. `done` hears of how many more nets are trained."""
    nets = ready.parts.nets
    blocks = [seeds[begin : begin + nets] for begin in range(0, len(seeds), nets)]
    workers = min(threads or cores(), len(blocks))
    running: list[Block] = []
    lock = threading.Lock()
    stopped = threading.Event()

    def work(chosen: Sequence[int]) -> Nets:
        block = Block(ready, chosen)
        with lock:
            running.append(block)
            if stopped.is_set():
                block.stop()
        found = block.run()
        done(len(chosen))
        return found

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        waiting = [pool.submit(work, block) for block in blocks]
        try:
            return together([future.result() for future in waiting])
        except BaseException:
            stopped.set()
            with lock:
                for block in running:
                    block.stop()
            raise


class Block:
    """As many nets as fit into a vector, and the memory that they are trained in."""

    def __init__(self, ready: Ready, seeds: Sequence[int]) -> None:
        self.ready, self.parts = ready, ready.parts
        spec = ready.experiment.train
        assert spec is not None
        self.spec: TrainSpec = spec
        self.dtype = np.dtype(spec.precision)
        filling = [*seeds, *[seeds[-1]] * (self.parts.nets - len(seeds))]
        self.seeds, self.count = filling, len(seeds)
        self.batches = Batches(self.parts.samples, spec.batch, spec.seed)
        self.best = best_of(spec, np.zeros(self.parts.size, self.dtype))
        self.whole, self.real = zeros(len(Whole), INT64), zeros(len(Real), FLOAT64)
        self.arrays = self._arrays()
        self._fill()
        self._begin()

    def run(self) -> Nets:
        call = self.ready.library.function("train", ["ptr", "ptr", "ptr"])
        table = np.array([self.arrays[name].ctypes.data for name in tables(self.parts)], np.uintp)
        call(table.ctypes.data, self.whole.ctypes.data, self.real.ctypes.data)
        return self._result()

    def stop(self) -> None:
        """Ends training after the step at hand."""
        self.whole[Whole.STOP] = 1

    def _arrays(self) -> dict[str, Array]:
        sizes = _sizes(self.parts)
        kinds = {name: np.dtype(kind) for kind, names in KINDS_OF.items() for name in names}
        return {name: zeros(sizes.get(name, 0), kinds.get(name, self.dtype)) for name in tables(self.parts)}

    def _fill(self) -> None:
        """Data, keys and factors into memory."""
        e, m, spec = self.parts, self.arrays, self.spec
        part, validation = self.ready.dataset.parts["train"], self.ready.dataset.parts.get("validation")
        data = arrays_of(part)
        for leaf in e.leaves:
            if e.batch is None:
                m[f"in {leaf.key}"] = in_blocks(data[leaf.key], e.chunk, self.dtype)
            else:
                m[f"rows {leaf.key}"] = samples_first(data[leaf.key], self.dtype)
        if validation is not None:
            checked = arrays_of(validation)
            for leaf in e.leaves:
                m[f"validation {leaf.key}"] = in_blocks(checked[leaf.key], MOST, self.dtype)
        if e.random:
            m["samples" if e.batch is None else "rows samples"] = numbers_of(part.rows, self.dtype)
            words = np.array([key(seed, Purpose.DROPOUT) for seed in self.seeds], np.uint32)
            m["counter"][: 2 * e.nets] = words.T.reshape(-1)
        m["shuffle"][: 2 * e.nets] = np.array([key(s, Purpose.SHUFFLE) for s in self.seeds]).reshape(-1)
        mean = spec.average == "mean"
        for number, count in enumerate(e.counts):
            m["scale"][number] = 1 / count if mean else e.samples / count
        self.real[Real.SCALE] = 1.0 if mean else e.samples
        self.real[Real.VALIDATION_SCALE] = 1 / e.validation if mean and e.validation else 1.0

    def _begin(self) -> None:
        spec, whole, m = self.spec, self.whole, self.arrays
        per_epoch = self.batches.per_epoch
        last = spec.length * (per_epoch if spec.unit == "epochs" else 1)
        whole[Whole.LAST] = last
        whole[Whole.EVERY] = 1 if self.best else max(1, -(-last // per_epoch) // RECORDS)
        whole[Whole.PATIENCE] = spec.stop_early.patience if spec.stop_early else -1
        whole[Whole.FOLLOWED] = COLUMNS.index("validation_loss") if self.best else -1
        lines = -(-last // per_epoch) // int(whole[Whole.EVERY]) + 2
        m["records"] = zeros(lines * len(COLUMNS) * self.parts.nets, FLOAT64)
        m["active"][:] = 1.0
        if self.best:
            m["best value"][:], self.real[Real.MIN_CHANGE] = self.best.value, self.best.min_change
        for name in ("θ", "θ other", "best"):
            m[name].reshape(self.parts.size, self.parts.nets)[:] = self._first().T

    def _first(self) -> Array:
        """The first θ of each net [nets, size]."""
        found = initial_of(self.ready.experiment.graph, self.seeds[: self.count])
        more = self.parts.nets - self.count
        return np.concatenate([found, np.repeat(found[-1:], more, axis=0)])

    def _vectors(self, name: str) -> Array:
        """A vector of each net: [nets, length]."""
        return self.arrays[name].reshape(-1, self.parts.nets).T[: self.count].copy()

    def _numbers(self, name: str) -> Array:
        return self.arrays[name][: self.count].copy()

    def _result(self) -> Nets:
        status = self._numbers("status")
        last = self._vectors("θ other" if self.whole[Whole.CURRENT] else "θ")
        theta, counters = last.copy(), {"seen": self._numbers("seen")}
        if self.best:
            best = self._vectors("best")
            names = {"best": "best value", "best_step": "best step", "waited": "waited"}
            counters |= {name: self._numbers(own) for name, own in names.items()} | {"best_theta": best}
            kept = (counters["best_step"] > 0) & (status != Status.DIVERGED)
            if self.spec.keep == "best":
                theta[kept] = best[kept]
        lines = int(self.whole[Whole.RECORDS])
        shape = (-1, len(COLUMNS), self.parts.nets)
        history = self.arrays["records"].reshape(shape)[:lines, :, : self.count].copy()
        if not self.parts.validation:
            history[:, COLUMNS.index("validation_loss")] = nan
        return Nets(
            seeds=tuple(self.seeds[: self.count]),
            ended=tuple("diverged" if s == Status.DIVERGED else ENDED[int(s)] for s in status),
            steps=self._numbers("ended"),
            theta=theta,
            last=last,
            history=history,
            states={name: self._vectors(f"state {name}") for name in self.parts.states},
            counters=counters,
        )


def _sizes(e: Ensemble) -> dict[str, int]:
    """How many numbers each array has; data are put in place of arrays without any."""
    vectors = ("θ", "θ other", "g", "best", *(f"state {s}" for s in e.states))
    found = dict.fromkeys(vectors, e.size * e.nets)
    found |= dict.fromkeys(("status", "ended", "best step", "waited", "seen", "best value"), e.nets)
    found |= dict.fromkeys(("objective", "gg", "active", "evaluated"), e.nets)
    found["arena"] = max(p.arena for p in e.programs)
    found["scratch"] = max(p.scratch for p in e.programs)
    found["sums"] = e.sums * e.nets
    found["common"] = e.common
    found["scale"], found["scalars"] = len(e.counts), len(e.scalars.names)
    found["late"] = (len(e.scalars.names) + 1) * e.nets
    found["ahead"], found["ahead out"] = 2 * AHEAD + 4 + len(e.scalars.late), AHEAD * len(e.scalars.early)
    found["counter"], found["shuffle"] = 2 * e.nets + 1, 2 * e.nets
    if e.batch is not None:
        found["orders"] = (e.samples + LANES) * e.nets
        found["work"] = 2 * (e.samples + LANES) + (1 << buckets(e.samples)) + 1
        found["samples"] = e.chunk * e.nets
        found |= {f"in {leaf.key}": leaf.size * e.chunk * e.nets for leaf in e.leaves}
    return found
