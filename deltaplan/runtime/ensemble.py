"""Many trainings at once, which differ in seeds or in numbers of the spec; each is what it would be alone."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from math import nan

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.factors import with_factors
from deltaplan.compiler.loops.ensemble import MOST, Ensemble, ensemble
from deltaplan.compiler.loops.llvm.control import COLUMNS, Real, Status, Whole
from deltaplan.compiler.loops.llvm.ensemble import tables, write_ensemble
from deltaplan.compiler.loops.llvm.order import LANES, buckets
from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.compiler.loops.unify import DifferError, Numbers, one_plan, one_update
from deltaplan.compiler.loops.update import AHEAD
from deltaplan.compiler.plan import Plans, compile_plans
from deltaplan.records import dataclass
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.native.engine import objects_of
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.memory import in_blocks, numbers_of, samples_first, zeros
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.batches import Batches
from deltaplan.runtime.best import best_of
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.first import take
from deltaplan.runtime.initial import initial, initial_of
from deltaplan.runtime.native_loop import FLOAT64, INT64, KINDS
from deltaplan.runtime.native_monitors import native_monitors
from deltaplan.runtime.native_trainer import ENDED, RECORDS
from deltaplan.runtime.native_units import unit_numbers
from deltaplan.runtime.nets import Nets, together
from deltaplan.runtime.patterns import table
from deltaplan.runtime.random import Purpose, keys_of
from deltaplan.runtime.recorded import Recorded, recorded_every
from deltaplan.runtime.threads import cores

Floats = NDArray[np.float64]
DRAWN = 64  # blocks whose first values are drawn at once
KINDS_OF = {
    "int64": ("status", "ended", "best step", "waited", "orders", "work"),
    "float64": (
        *("numbers", "records", "ahead", "ahead out", "seen", "best value"),
        *("watched totals", "results", "units of float64"),
    ),
    "uint32": ("counter", "shuffle"),
}


@dataclass(frozen=True, slots=True)
class Ready:
    """A spec compiled for many nets, with its data. `numbers` [numbers, nets] are those in which the nets
    differ, with a column for each of them."""

    experiment: Experiment
    dataset: Dataset
    parts: Ensemble
    library: Library
    numbers: Floats


def prepared(experiment: Experiment, dataset: Dataset, plans: Plans) -> Ready:
    """Compiles the loop for nets that differ in their seeds alone. NoScheduleError where nets cannot be
    trained together."""
    return _prepared([experiment], dataset, [plans])


def prepared_variants(experiments: Sequence[Experiment], dataset: Dataset) -> Ready:
    """Compiles the loop for specs that differ in numbers alone: a learning rate, a penalty, a slope, a seed.
    NoScheduleError where they differ in more, or cannot be trained together."""
    first = experiments[0].train
    assert first is not None
    settings = [_without_numbers(e.train) for e in experiments if e.train]
    if any(own != settings[0] for own in settings) or len(settings) < len(experiments):
        raise NoScheduleError("specs whose `train` blocks differ in more than numbers of the optimizer")
    return _prepared(experiments, dataset, [compile_plans(e) for e in experiments])


def _without_numbers(spec: TrainSpec) -> TrainSpec:
    """The settings in which variants may not differ."""
    clip = None if spec.clip is None else 1.0
    return replace(spec, seed=0, optimizer=replace(spec.optimizer, values={}), clip=clip)


def _prepared(experiments: Sequence[Experiment], dataset: Dataset, plans: Sequence[Plans]) -> Ready:
    experiment = experiments[0]
    spec = experiment.train
    assert spec is not None
    if any(p.update is None for p in plans):
        raise NoScheduleError("solvers of many nets at once")
    monitors = native_monitors(experiment, dataset) if spec.monitor else ()
    if monitors is None:
        raise NoScheduleError("metrics that are functions of arrays, of many nets at once")
    looked_at = dataset.parts.get("validation", dataset.parts["train"] if monitors else None)
    target, dtype = host(), np.dtype(spec.precision)
    numbers = Numbers()
    try:
        plan = one_plan([p.train for p in plans if p.train], numbers)
        evaluation = one_plan([p.evaluate for p in plans], numbers) if looked_at is not None else None
        update = one_update([with_factors(p.update) for p in plans if p.update], numbers)
    except DifferError:
        raise NoScheduleError("specs that differ in more than numbers") from None
    parts = ensemble(
        plan,
        evaluation,
        update,
        KINDS[spec.precision],
        target.schedule(dtype.itemsize),
        len(dataset.parts["train"]),
        spec.batch,
        len(looked_at) if looked_at is not None else 0,
        len(numbers.rows),
        monitors,
    )
    if parts is None:
        raise NoScheduleError("samples that depend on each other in many nets at once")
    objects = objects_of(partial(write_ensemble, parts, target.width), target)
    rows = np.array(numbers.rows, np.float64).reshape(len(numbers.rows), len(plans))
    return Ready(experiment, dataset, parts, Library(objects, target), rows)


def train_together(
    ready: Ready,
    members: Sequence[Experiment],
    threads: int | None = None,
    done: Callable[[int], None] = lambda count: None,
) -> Nets:
    """Trains a net for each member: the spec with another seed, or, in order, those that were prepared as
    variants. `done` hears of how many more nets are trained."""
    nets = ready.parts.nets
    blocks = [range(begin, min(begin + nets, len(members))) for begin in range(0, len(members), nets)]
    workers = min(threads or cores(), len(blocks))
    firsts = Firsts(ready, members)
    running: list[Block] = []
    lock = threading.Lock()
    stopped = threading.Event()

    def work(chosen: range) -> Nets:
        numbers = ready.numbers[:, chosen.start : chosen.stop]
        block = Block(ready, [members[i] for i in chosen], numbers, firsts.of(chosen))
        with lock:
            running.append(block)
            if stopped.is_set():
                block.stop()
        found = block.run()
        with lock:
            running.remove(block)
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


class Firsts:
    """The first θ of the nets, drawn for many of them at once."""

    def __init__(self, ready: Ready, members: Sequence[Experiment]) -> None:
        self._ready, self._members = ready, members
        self._many = DRAWN * ready.parts.nets
        self._lock, self._begin, self._drawn = threading.Lock(), -1, np.zeros((0, ready.parts.size))

    def of(self, chosen: range) -> Array:
        """θ [nets, size] of members in a row."""
        begin = chosen.start // self._many * self._many
        with self._lock:
            if begin != self._begin:
                self._begin, self._drawn = begin, self._first(self._members[begin : begin + self._many])
            return self._drawn[chosen.start - begin : chosen.stop - begin]

    def _first(self, members: Sequence[Experiment]) -> Array:
        seeds = [member.train.seed for member in members if member.train]
        graph = members[0].graph
        if all(member.graph is graph for member in members):
            found = initial_of(graph, seeds)
        else:  # a slope or an `init=` may be a number in which they differ
            pairs = zip(members, seeds, strict=True)
            found = np.array([initial(member.graph, seed) for member, seed in pairs])
        train = self._ready.experiment.train
        if train and train.warm_start:
            take(self._ready.experiment, train.warm_start, found)
        return found


class Block:
    """As many nets as fit into a vector, and the memory that they are trained in."""

    def __init__(self, ready: Ready, members: Sequence[Experiment], numbers: Floats, first: Array) -> None:
        self.ready, self.parts, self.members, self.numbers = ready, ready.parts, members, numbers
        seeds = [member.train.seed for member in members if member.train]
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
        more = self.parts.nets - self.count
        self.first = np.concatenate([first, np.repeat(first[-1:], more, axis=0)])
        self._fill()
        self._begin()

    def run(self) -> Nets:
        call = self.ready.library.function("train", ["ptr", "ptr", "ptr"])
        places = np.array([self.arrays[name].ctypes.data for name in tables(self.parts)], np.uintp)
        call(places.ctypes.data, self.whole.ctypes.data, self.real.ctypes.data)
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
        parts = self.ready.dataset.parts
        part = parts["train"]
        data = arrays_of(part)
        for leaf in e.leaves:
            if e.batch is None:
                m[f"in {leaf.key}"] = in_blocks(data[leaf.key], e.chunk, self.dtype)
            else:
                m[f"rows {leaf.key}"] = samples_first(data[leaf.key], self.dtype)
        for found in e.tables:
            m[found.name] = table(found)
        if e.validation:
            self._fill_looked_at(parts.get("validation", part))
        if e.random:
            m["samples" if e.batch is None else "rows samples"] = numbers_of(part.rows, self.dtype)
            m["counter"][: 2 * e.nets] = keys_of(self.seeds, Purpose.DROPOUT).reshape(-1)
        if e.numbers:
            filled = np.resize(self.numbers.T, (e.nets, e.numbers))
            m["numbers"][:] = filled.reshape(-1)
            m["hyper"].reshape(e.numbers, e.nets)[:] = filled.T
        m["shuffle"][: 2 * e.nets] = keys_of(self.seeds, Purpose.SHUFFLE).T.reshape(-1)
        mean = spec.average == "mean"
        for number, count in enumerate(e.counts):
            m["scale"][number] = 1 / count if mean else e.samples / count
        self.real[Real.SCALE] = 1.0 if mean else e.samples
        self.real[Real.VALIDATION_SCALE] = 1 / e.validation if mean and e.validation else 1.0

    def _fill_looked_at(self, part: Part) -> None:
        """The samples that are looked at for a record, and what brings outputs back to their units."""
        e, m = self.parts, self.arrays
        data = arrays_of(part)
        for leaf in e.leaves:
            m[f"validation {leaf.key}"] = in_blocks(data[leaf.key], MOST, self.dtype)
        for (output, name), (begin, size) in (e.watched.units if e.watched else {}).items():
            columns = self.ready.dataset.preprocessing.targets[output]
            values = unit_numbers(columns, name, size, part.y[output])
            for space in m.keys() & {"units", "units of float64"}:
                m[space][begin : begin + size] = values

    def _begin(self) -> None:
        spec, whole, m = self.spec, self.whole, self.arrays
        per_epoch = self.batches.per_epoch
        last = spec.length * (per_epoch if spec.unit == "epochs" else 1)
        whole[Whole.LAST] = last
        whole[Whole.EVERY] = 1 if self.best else max(1, -(-last // per_epoch) // RECORDS)
        whole[Whole.PATIENCE] = spec.stop_early.patience if spec.stop_early else -1
        whole[Whole.FOLLOWED] = self.columns.index(self._on) if self.best else -1
        whole[Whole.HIGHER] = self.best is not None and self.best.better == "higher"
        lines = -(-last // per_epoch) // int(whole[Whole.EVERY]) + 2
        m["records"] = zeros(lines * len(self.columns) * self.parts.nets, FLOAT64)
        if every := recorded_every(spec, per_epoch):
            whole[Whole.KEEP] = every
            m["kept"] = zeros(last // every * self.parts.size * self.parts.nets, self.dtype)
        m["active"][:] = 1.0
        if self.best:
            m["best value"][:], self.real[Real.MIN_CHANGE] = self.best.value, self.best.min_change
        for name in ("θ", "θ other", "best"):
            m[name].reshape(self.parts.size, self.parts.nets)[:] = self.first.T

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of a line of the history."""
        return (*COLUMNS, *self.parts.labels)

    @property
    def _on(self) -> str:
        """The column whose best value is kept."""
        stop = self.spec.stop_early
        return "validation_loss" if stop is None or stop.on == "loss" else stop.on

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
        shape = (-1, len(self.columns), self.parts.nets)
        history = self.arrays["records"].reshape(shape)[:lines, :, : self.count].copy()
        checks = "validation" in self.ready.dataset.parts
        if not checks:
            history[:, COLUMNS.index("validation_loss")] = nan
        return Nets(
            seeds=tuple(self.seeds[: self.count]),
            ended=tuple("diverged" if s == Status.DIVERGED else ENDED[int(s)] for s in status),
            steps=self._numbers("ended"),
            theta=theta,
            last=last,
            history=history,
            labels=tuple(f"{'validation' if checks else 'train'}_{label}" for label in self.parts.labels),
            recorded=self._recorded(),
            states={name: self._vectors(f"state {name}") for name in self.parts.states},
            counters=counters,
        )

    def _recorded(self) -> tuple[Recorded, ...]:
        """θ along the way of each net, as far as its last step; none where that is not asked for."""
        every, count = int(self.whole[Whole.KEEP]), int(self.whole[Whole.KEPT])
        if not every:
            return ()
        kept = self.arrays["kept"][: count * self.parts.size * self.parts.nets]
        ways = kept.reshape(count, self.parts.size, self.parts.nets)
        steps = np.arange(count + 1, dtype=np.int64) * every
        first, ended = self.first.astype(self.dtype), self._numbers("ended")
        diverged = self._numbers("status") == Status.DIVERGED
        found = []
        for net in range(self.count):
            there = steps <= ended[net] - diverged[net]
            way = np.concatenate([first[net, None, : self.parts.size], ways[:, :, net]])
            found.append(Recorded(steps[there], way[there]))
        return tuple(found)


def _sizes(e: Ensemble) -> dict[str, int]:
    """How many numbers each array has; data are put in place of arrays without any."""
    vectors = ("θ", "θ other", "g", "best", *(f"state {s}" for s in e.states))
    found = dict.fromkeys(vectors, e.size * e.nets)
    found |= dict.fromkeys(("status", "ended", "best step", "waited", "seen", "best value"), e.nets)
    found |= dict.fromkeys(("objective", "gg", "active"), e.nets)
    if e.watched:
        found["watched"] = found["watched totals"] = e.watched.sums * e.nets
        found["units"] = found["units of float64"] = e.watched.unit_count
        found["results"] = len(e.labels)
    found["arena"] = max(p.arena for p in e.programs)
    found["scratch"] = max(p.scratch for p in e.programs)
    found["sums"] = e.sums * e.nets
    found["common"] = e.common
    found["hyper"] = found["numbers"] = e.numbers * e.nets
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
