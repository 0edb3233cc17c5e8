"""From plans to a training loop in machine code."""

from collections.abc import Sequence

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.loops.llvm.control import COLUMNS
from deltaplan.compiler.loops.llvm.kernels import KernelWriters
from deltaplan.compiler.loops.llvm.order import LANES, buckets
from deltaplan.compiler.loops.llvm.parts import Take
from deltaplan.compiler.loops.llvm.sharing import Signal
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.llvm.train import TrainingWriter, tables
from deltaplan.compiler.loops.monitors import Monitor
from deltaplan.compiler.loops.parallel import Parallel
from deltaplan.compiler.loops.program import Made, Told, tables_of
from deltaplan.compiler.loops.training import BLOCK, Training, training
from deltaplan.compiler.loops.update import AHEAD
from deltaplan.compiler.plans import Plans
from deltaplan.pauses import uncollected
from deltaplan.runtime.backends.native.engine import Compiling
from deltaplan.runtime.backends.native.target import Target, host
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.native_loop import KINDS, ROOM, NativeLoop
from deltaplan.runtime.native_monitors import native_monitors


def native_loop(experiment: Experiment, dataset: Dataset, plans: Plans) -> NativeLoop:
    """The loop that trains an experiment on this processor. NoScheduleError where there is no code for it."""
    target = host()
    monitors = native_monitors(experiment, dataset)
    with Compiling(target, keep=True) as compiling:
        made = write_training_of(experiment, dataset, plans, target, monitors or (), compiling.take)
    return loop_of(made, compiling.objects(), checks="validation" in dataset.parts, waits=monitors is None)


@uncollected()
def write_training_of(
    experiment: Experiment,
    dataset: Dataset,
    plans: Plans,
    target: Target,
    monitors: Sequence[Monitor],
    take: Take,
) -> Training:
    """The parts of the loop, whose text is handed out as soon as each is made."""
    assert experiment.train is not None
    kernels = KernelWriters(Text(take), KINDS[experiment.train.precision], target.width)
    made = training_of(experiment, dataset, plans, target, monitors, Told(kernels.kernel))
    TrainingWriter(made, kernels).module().end()
    return made


def training_of(
    experiment: Experiment,
    dataset: Dataset,
    plans: Plans,
    target: Target,
    monitors: Sequence[Monitor] = (),
    kernels: Made | None = None,
) -> Training:
    """The parts of the loop, which follows `monitors` by itself; see `training` for `kernels`."""
    spec = experiment.train
    assert spec is not None
    assert plans.train is not None
    assert plans.update is not None
    checks = "validation" in dataset.parts
    looked_at = len(dataset.parts["validation" if checks else "train"]) if checks or monitors else 0
    return training(
        plans.train,
        plans.evaluate if checks or monitors else None,
        plans.update,
        KINDS[spec.precision],
        target.schedule(np.dtype(spec.precision).itemsize),
        len(dataset.parts["train"]),
        spec.batch,
        looked_at,
        monitors,
        kernels,
    )


def loop_of(t: Training, objects: tuple[bytes, ...], checks: bool, waits: bool) -> NativeLoop:
    """What the caller of a loop needs to know of it; see `NativeLoop` for `checks` and `waits`."""
    found = _sizes(t)
    chunks = t.parallel.chunks[t.counts[0]] if t.parallel else ()
    return NativeLoop(
        objects=objects,
        sizes={name: found.get(name, 0) for name in tables(t)},
        size=t.size,
        length=t.length,
        samples=t.samples,
        batch=t.batch,
        counts=t.counts,
        leaves=tuple(leaf.key for leaf in t.leaves),
        states=t.states,
        random=t.random,
        tables=tables_of(t.programs),
        chunks=tuple((chunk.begin, chunk.size) for chunk in chunks),
        most=t.parallel.most if t.parallel else 1,
        checks=checks,
        validation=t.validation,
        block=BLOCK,
        waits=waits,
        labels=t.labels,
        units=t.watched.units if t.watched else {},
    )


def _sizes(t: Training) -> dict[str, int]:
    """How many numbers each array has; data are put in place of arrays without any."""
    full = max(t.counts)
    found = dict.fromkeys(("g", *(f"state {s}" for s in t.states)), t.size)
    found |= dict.fromkeys(("θ", "θ other", "best"), t.length)
    found["records"] = ROOM * (len(COLUMNS) + len(t.labels))
    if t.watched:
        found |= dict.fromkeys(("watched", "watched totals"), t.watched.sums)
        found |= dict.fromkeys(("units", "units of float64"), t.watched.unit_count)
        found["results"] = len(t.labels)
    found["arena"] = max(p.arena for p in t.programs)
    found["scratch"] = max(p.scratch for p in t.programs)
    found["scale"], found["count"], found["scalars"] = len(t.counts), len(t.counts), len(t.scalars.names)
    found["ahead"], found["ahead out"] = 2 * AHEAD + 4 + len(t.scalars.late), AHEAD * len(t.scalars.early)
    if t.batch is not None:
        found["order"] = t.samples + LANES
        found["work"] = 2 * (t.samples + LANES) + (1 << buckets(t.samples)) + 1
        found["samples"] = full
        for leaf in t.leaves:
            found[f"in {leaf.key}"] = found[f"gather {leaf.key}"] = leaf.size * full
    return found | _parts(t.parallel, t) if t.parallel else found


def _parts(p: Parallel, t: Training) -> dict[str, int]:
    """What each chunk has for itself, and what they share."""
    found = {"common": p.common, "norms": len(p.combine), "sums": p.sums, "signal": int(Signal.SIZE)}
    chunk = max(p.passes)
    for c in range(p.most):
        found[f"arena@{c}"] = max(q.arena for q in p.passes.values())
        found[f"scratch@{c}"] = max(q.scratch for q in p.passes.values())
        found[f"g@{c}"], found[f"sums@{c}"], found[f"samples@{c}"] = t.size, p.sums, chunk
        for leaf in t.leaves if t.batch is not None else ():
            found[f"in {leaf.key}@{c}"] = found[f"gather {leaf.key}@{c}"] = leaf.size * chunk
    return found
