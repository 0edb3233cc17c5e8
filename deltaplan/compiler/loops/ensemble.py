"""Many nets of one kind trained at once, as the lanes of vectors; each has its own θ, order and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.monitors import Monitor, Watching, watching
from deltaplan.compiler.loops.parallel import Chunk, common_of, cut, results_of
from deltaplan.compiler.loops.places import external_of
from deltaplan.compiler.loops.program import Made, Program, program, tables_of
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.schedule.signature import SAMPLES
from deltaplan.compiler.loops.schedule.tables import Table
from deltaplan.compiler.loops.training import Leaf, total_of
from deltaplan.compiler.loops.unify import number_tensor
from deltaplan.compiler.loops.update import GG, Scalars, scalars_of, update_program
from deltaplan.compiler.optimize import Update
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Map, Reduce, Step, Tensor
from deltaplan.plugins.expressions import argument, arguments, where
from deltaplan.records import dataclass

CACHED = (
    16 * 1024
)  # bytes of what is computed for some samples: half of a first cache, which other programs use too
FEWEST, MOST = 4, 32  # samples that go through the nets together
BYTES = {"float": 4, "double": 8}  # of a number
ACTIVE = Tensor("active", ())


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The parts of a training of `nets` nets.

    A step goes through its samples in `chunks`, by their number. `passes` are their programs by size: that of
    the first chunk writes gradient and sums, those in `further` add to them. With `batch` None all nets see
    the same samples in the same order, and the data are shared.
    """

    kind: str
    nets: int
    size: int
    samples: int
    batch: int | None
    leaves: tuple[Leaf, ...]
    passes: Mapping[int, Program]
    chunks: Mapping[int, tuple[Chunk, ...]]
    further: Mapping[int, Program]
    before: Program | None
    after: Program
    norm: Program
    clip_norm: Program | None
    update: Program
    states: tuple[str, ...]
    scalars: Scalars
    total: int
    sums: int
    common: int
    numbers: int  # in which the nets differ
    random: bool
    evaluate: Mapping[int, Program]
    validation: int  # samples that are looked at for a record
    watched: Watching | None

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return 1 if self.batch is None else -(-self.samples // self.batch)

    @property
    def counts(self) -> tuple[int, ...]:
        """The samples of a whole step, and of the last one of an epoch where those are fewer."""
        return tuple(self.chunks)

    @property
    def chunk(self) -> int:
        """Samples of a whole chunk."""
        return max(self.passes)

    @property
    def programs(self) -> tuple[Program, ...]:
        before = (self.before,) if self.before else ()
        clip = (self.clip_norm,) if self.clip_norm else ()
        results = (self.watched.results,) if self.watched and self.watched.results else ()
        rest = (self.after, self.norm, *clip, self.update, *results)
        passes = (*self.passes.values(), *self.further.values())
        return (*before, *passes, *self.evaluate.values(), *rest)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Where the entries of sparse matrices are, one for all nets."""
        return tables_of(self.programs)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of what is followed."""
        return self.watched.labels if self.watched else ()


def ensemble(
    plan: Plan,
    evaluation: Plan | None,
    update: Update,
    kind: str,
    machine: Machine,
    samples: int,
    batch: int | None,
    validation: int = 0,
    numbers: int = 0,
    monitors: Sequence[Monitor] = (),
) -> Ensemble | None:
    """The training of as many nets as a vector has lanes; None where samples of a batch depend on each other.
    `monitors` are followed on `validation` samples. The nets may differ in so many `numbers`, which the plans
    name as `unify` does."""
    made: Made = {}
    trace, nets = plan.trace, machine.lanes
    full = samples if batch is None else min(batch, samples)
    per_epoch = -(-samples // full)
    counts = tuple(dict.fromkeys((full, samples - (per_epoch - 1) * full)))
    parts = cut(plan)
    if parts is None:
        return None
    shared = _shared(plan, batch is None)
    own = {number_tensor(i): Spot("hyper", i * nets) for i in range(numbers)}
    external = {**external_of(plan, 0, nets), **own}
    results = results_of(parts.samples, external)
    sums = {t: Spot("sums", i * nets) for i, t in enumerate(results)}
    places = {t: Spot("common", at * nets) for t, at in common_of(parts).items()}
    known = {**external, **sums, **places}
    kept = (*sums, *(t for t, s in external.items() if s.space == "g"))

    def passed(size: int, more: bool = False) -> Program:
        return program(parts.samples, known, kept, Axes(size, machine, nets, shared, accumulate=more), made)

    each = _chunk_size(passed(FEWEST).arena * BYTES[kind] // FEWEST, max(counts))
    chunks = {count: _chunked(count, each) for count in counts}
    sizes = dict.fromkeys(found[0].size for found in chunks.values())
    others = dict.fromkeys(chunk.size for found in chunks.values() for chunk in found[1:])
    flat = Axes(1, machine, nets, shared)
    wanted = [t for t in (trace.objective, trace.penalty) if t is not None]
    wanted += [t for t, s in external.items() if s.space == "g"]
    ranges = [(part.begin, part.end) for part in update.parts]
    clipped = "gnorm" in update.arguments and ranges != [(0, trace.size)]
    used = {t for s in plan.steps for t in s.inputs}
    leaves = [Leaf(name, t.size) for name, t in trace.inputs.items()]
    leaves += [Leaf(f"target {name}", t.size) for name, t in trace.targets.items() if t in used]
    assert trace.objective is not None
    watched = watching(monitors, evaluation.trace, validation, machine, made) if evaluation else None
    return Ensemble(
        kind=kind,
        nets=nets,
        size=trace.size,
        samples=samples,
        batch=batch,
        leaves=tuple(leaves),
        passes={size: passed(size) for size in sizes},
        chunks=chunks,
        further={size: passed(size, more=True) for size in others},
        before=program(parts.before, known, tuple(places), flat, made) if parts.before else None,
        after=program(parts.after, {**known, trace.objective: Spot("objective", 0)}, wanted, flat, made),
        norm=norm_of(((0, trace.size),), flat, made),
        clip_norm=norm_of(tuple(ranges), flat, made) if clipped else None,
        update=update_program(_masked(update), _with_scalars(flat, update), made),
        states=update.states,
        scalars=scalars_of(update),
        total=results.index(total_of(plan)),
        sums=len(results),
        common=max((s.offset + nets * t.size for t, s in places.items()), default=0),
        numbers=numbers,
        random=plan.random,
        evaluate=_evaluation(evaluation, watched, own, validation, machine, made)
        if evaluation and watched
        else {},
        validation=validation if evaluation else 0,
        watched=watched,
    )


def _shared(plan: Plan, data: bool) -> frozenset[str]:
    """The tensors that all nets have in common."""
    leaves = [*plan.trace.inputs.values(), *plan.trace.targets.values(), SAMPLES] if data else []
    return frozenset([plan.trace.scale.name, *(t.name for t in leaves)])


def _with_scalars(axes: Axes, update: Update) -> Axes:
    """Scalars that follow from the step alone are the same for all nets."""
    early = {t.name for t, e in update.scalars.items() if set(arguments(e)) <= {"t", "epoch"}}
    return replace(axes, shared=axes.shared | early)


def _masked(update: Update) -> Update:
    """The update of the nets that are still trained; the others keep θ and states."""
    return replace(update, parts=tuple(replace(p, step=_kept(update, p.step)) for p in update.parts))


def _kept(update: Update, step: Map) -> Map:
    names = {"w": "θ", **{state: state for state in update.states}}
    inputs = list(step.inputs)
    for name in (names[w] for w in update.writes):
        if name not in {t.name for t in inputs}:
            inputs.append(Tensor(name, step.outputs[0].shape))
    inputs.append(ACTIVE)
    at = {t.name: argument(f"x{i}") for i, t in enumerate(inputs)}
    expressions = tuple(
        where(at[ACTIVE.name] > 0, e, at[names[w]])
        for w, e in zip(update.writes, step.expressions, strict=True)
    )
    return replace(step, inputs=tuple(inputs), expressions=expressions)


def _chunk_size(each: int, most: int) -> int:
    """Samples at once, of which each takes so many bytes, so that they stay near the processor."""
    size = FEWEST
    while size * 2 <= min(MOST, most) and each * size * 2 <= CACHED:
        size *= 2
    return min(size, most)


def _chunked(count: int, size: int) -> tuple[Chunk, ...]:
    return tuple(Chunk(begin, min(size, count - begin)) for begin in range(0, count, size))


def norm_of(ranges: tuple[tuple[int, int], ...], axes: Axes, made: Made) -> Program:
    """g·g of each net over parts of the gradient."""
    steps: list[Step] = []
    places: dict[Tensor, Spot] = {}
    totals = []
    for number, (begin, end) in enumerate(ranges):
        part = Tensor(f"g{number}", (end - begin,))
        square, total = Tensor(f"%s{number}", part.shape), Tensor(f"%t{number}", ())
        places[part] = Spot("g", begin * axes.nets)
        steps.append(Map(inputs=(part,), outputs=(square,), expressions=(argument("x0") * argument("x0"),)))
        steps.append(Reduce(inputs=(square,), outputs=(total,), kind="sum", axes=(0,)))
        totals.append(total)
    terms = [argument(f"x{i}") for i in range(len(totals))]
    steps.append(Map(inputs=tuple(totals), outputs=(GG,), expressions=(sum(terms[1:], terms[0]),)))
    places[GG] = Spot("gg", 0)
    return program(steps, places, (GG,), axes, made)


def _evaluation(
    plan: Plan, watched: Watching, own: Mapping[Tensor, Spot], samples: int, machine: Machine, made: Made
) -> dict[int, Program]:
    """The sums over blocks of samples that all nets see; units of outputs are the same for all of them."""
    nets = machine.lanes
    sums = {t: spot for t, spot in watched.places.items() if spot.space == "watched"}
    units = {t: spot for t, spot in watched.places.items() if spot.space != "watched"}
    external = {**external_of(plan, 0, nets), **own, **units}
    external |= {t: Spot(spot.space, spot.offset * nets) for t, spot in sums.items()}
    shared = _shared(plan, data=True) | {t.name for t in units}
    counts = dict.fromkeys(chunk.size for chunk in _chunked(samples, MOST))
    return {
        count: program(
            (*plan.steps, *watched.steps), external, [*sums], Axes(count, machine, nets, shared), made
        )
        for count in counts
    }
