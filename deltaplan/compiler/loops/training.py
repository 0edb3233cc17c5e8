"""Everything that a native training loop consists of, before it is written as text."""

from collections.abc import Mapping, Sequence

from deltaplan.compiler.factors import with_factors
from deltaplan.compiler.loops.monitors import Monitor, Watching, watching
from deltaplan.compiler.loops.parallel import Parallel, chunks_of, parallel
from deltaplan.compiler.loops.places import external_of
from deltaplan.compiler.loops.program import Made, Program
from deltaplan.compiler.loops.rolled import Work, scheduled
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.schedule.few import axes_of
from deltaplan.compiler.loops.update import Scalars, norm_program, scalars_of, update_program
from deltaplan.compiler.optimize import Update
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Reduce, Tensor
from deltaplan.records import dataclass

BLOCK = 256  # samples that are evaluated at once


@dataclass(frozen=True, slots=True)
class Leaf:
    """An input or a target: the key of its data, and its numbers for one sample."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Training:
    """The parts of a training loop.

    `steps` and `evaluate` are programs by the number of their samples. `validation` is how many samples are
    looked at for a record, and `watched` what is summed up over them. `batch` is None for full batches.
    """

    kind: str
    size: int
    length: int  # of θ with the running statistics behind it
    samples: int
    batch: int | None
    steps: Mapping[int, Program]
    objective: str
    total: str
    norm: Program
    statistics: Program | None  # the square of the running statistics
    clip_norm: Program | None
    update: Program
    states: tuple[str, ...]
    scalars: Scalars
    leaves: tuple[Leaf, ...]
    random: bool
    evaluate: Mapping[int, Program]
    validation: int
    watched: Watching | None
    parallel: Parallel | None

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return 1 if self.batch is None else -(-self.samples // self.batch)

    @property
    def rest(self) -> int:
        """Samples of an epoch's last step."""
        return self.samples - (self.per_epoch - 1) * (self.batch or self.samples)

    @property
    def programs(self) -> tuple[Program, ...]:
        results = self.watched.results if self.watched else None
        more = [*self.evaluate.values(), *(p for p in (self.statistics, self.clip_norm, results) if p)]
        if self.parallel:
            return (*self.parallel.programs, *more)
        return (*self.steps.values(), self.norm, self.update, *more)

    @property
    def counts(self) -> tuple[int, ...]:
        """The samples of a whole step, and of the last one of an epoch where those are fewer."""
        return tuple(dict.fromkeys((min(self.batch or self.samples, self.samples), self.rest)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of what is followed."""
        return self.watched.labels if self.watched else ()


def training(
    plan: Plan,
    evaluation: Plan | None,
    update: Update,
    kind: str,
    machine: Machine,
    samples: int,
    batch: int | None,
    validation: int = 0,
    monitors: Sequence[Monitor] = (),
    made: Made | None = None,
) -> Training:
    """The training loop of a plan on `samples` samples; `evaluation` runs on `validation` others, on which
    `monitors` are followed. The kernels are put into `made` as they come."""
    made = {} if made is None else made
    trace, update = plan.trace, with_factors(update)
    full = samples if batch is None else min(batch, samples)
    counts = tuple(dict.fromkeys((full, samples - (-(-samples // full) - 1) * full)))
    total = total_of(plan)
    chunks = chunks_of(plan, full, machine)
    steps, shared = dict[int, Program](), None
    if chunks > 1:
        shared = parallel(plan, update, external_of(plan), counts, chunks, machine, made)
    else:
        for number, count in enumerate(counts):
            work = Work(plan, (*plan.kept, total), number)
            steps[count] = scheduled(work, step_axes(plan, count, batch, machine), made)
    flat = Axes(1, machine)
    watched = None
    if evaluation is not None and validation:
        watched = watching(monitors, evaluation.trace, validation, machine, made)
    ends = [(part.begin, part.end) for part in update.parts]
    size, length = trace.size, trace.length
    whole = ends == [(0, size)]
    used = {t.name for s, _ in plan.distinct() for t in s.inputs}
    leaves = [Leaf(name, t.size) for name, t in trace.inputs.items()]
    leaves += [Leaf(f"target {name}", t.size) for name, t in trace.targets.items() if t.name in used]
    assert trace.objective is not None
    return Training(
        kind=kind,
        size=size,
        length=length,
        samples=samples,
        batch=batch,
        steps=steps,
        objective=trace.objective.name,
        total=total.name,
        norm=norm_program([(0, size)], flat, made),
        statistics=norm_program([(size, length)], flat, made, "θ") if trace.statistics else None,
        clip_norm=norm_program(ends, flat, made) if not whole and "gnorm" in update.arguments else None,
        update=update_program(update, flat, made),
        states=update.states,
        scalars=scalars_of(update),
        leaves=tuple(leaves),
        random=plan.random,
        evaluate=evaluation_programs(evaluation, watched, validation, machine, made)
        if evaluation and watched
        else {},
        validation=validation if evaluation else 0,
        watched=watched,
        parallel=shared,
    )


def step_axes(plan: Plan, count: int, batch: int | None, machine: Machine) -> Axes:
    """The order of memory of a step on `count` samples; full batches lie in memory before the first one."""
    return Axes(count, machine) if batch is None else axes_of(plan.steps, count, machine)


def total_of(plan: Plan) -> Tensor:
    """The tensor with the sum of the loss over the samples."""
    return next(
        s.output
        for s in plan.steps
        if isinstance(s, Reduce) and s.batch and not s.axes and s.inputs == (plan.trace.sample_loss,)
    )


def evaluation_programs(
    plan: Plan, watched: Watching, samples: int, machine: Machine, made: Made
) -> dict[int, Program]:
    """The sums over blocks of samples: `BLOCK` of them, and the rest."""
    wanted = [t for t, spot in watched.places.items() if spot.space == "watched"]
    work = Work(plan, wanted, more=watched.steps, places=watched.places)
    counts = [min(BLOCK, samples)] if samples else []
    counts += [samples % BLOCK] if samples > BLOCK and samples % BLOCK else []
    return {count: scheduled(work, Axes(count, machine), made) for count in counts}
