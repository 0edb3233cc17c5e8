"""A step's work in parts that may run at the same time; no sum depends on how many threads do it.

The batch is cut into chunks, each with memory and a gradient of its own; θ is cut into ranges, over which the
gradients are added up, the norm is taken and the update is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.groups import kind_of
from deltaplan.compiler.loops.program import Made, Program, program
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.update import update_program
from deltaplan.compiler.optimize import Update, UpdatePart
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Map, Reduce, Step, Tensor, View, flops
from deltaplan.plugins.expressions import argument
from deltaplan.records import dataclass

WORTHWHILE = 20_000_000  # operations of a step from which on it is cut
DENSE = 300  # operations of a chunk for each parameter: below, adding up gradients costs too much
MOST = 8  # chunks


@dataclass(frozen=True, slots=True)
class Chunk:
    """Samples of a batch, from `begin` on."""

    begin: int
    size: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """A step in parts.

    `before` needs no samples and writes to `common`; `passes` are the chunks' programs by their size,
    `chunks` those of a step by the number of its samples; `after` needs the sums. `combine`, `norms` and
    `updates` have one program for each range of θ; without `norms`, `combine` takes the norm too. `sums` are
    the numbers that a chunk sums up beside its gradient.
    """

    before: Program | None
    passes: Mapping[int, Program]
    chunks: Mapping[int, tuple[Chunk, ...]]
    total: Program
    after: Program
    combine: tuple[Program, ...]
    norms: tuple[Program, ...]
    updates: tuple[Program, ...]
    sums: int
    common: int

    @property
    def most(self) -> int:
        """Chunks of a whole step."""
        return max(map(len, self.chunks.values()))

    @property
    def programs(self) -> tuple[Program, ...]:
        before = (self.before,) if self.before else ()
        rest = (self.total, self.after, *self.combine, *self.norms, *self.updates)
        return (*before, *self.passes.values(), *rest)


@dataclass(frozen=True, slots=True)
class Cut:
    """The steps of a plan: what needs no samples, what goes through them, what needs the sums."""

    before: tuple[Step, ...]
    samples: tuple[Step, ...]
    after: tuple[Step, ...]


def chunks_of(plan: Plan, count: int, machine: Machine) -> int:
    """In how many chunks a step on `count` samples is cut; 1 where that does not pay or cannot be."""
    work = sum(times * flops(step, count) for step, times in plan.distinct())
    if work < WORTHWHILE or cut(plan) is None:
        return 1
    found = 1
    while (
        2 * found <= MOST
        and count // (2 * found) >= machine.lanes
        and work // (2 * found) >= DENSE * plan.trace.size
    ):
        found *= 2
    return found


def cut(plan: Plan) -> Cut | None:
    """The three parts of a plan; None where samples depend on each other: chunks would need each other's
    sums."""
    alias = aliases(plan.steps)
    produced = {t.name for s in plan.steps for t in s.outputs}
    late = {p.tensor.name for p in plan.parts if p.vector == "g" and p.tensor.name not in produced}
    summed: set[str] = set(late)
    parts: dict[str, list[Step]] = {"before": [], "samples": [], "after": []}
    for step in plan.steps:
        needs = any(alias.get(t.name, t).name in summed or t.name in summed for t in step.inputs)
        kind = kind_of(step)
        if needs and (kind != "flat" and not isinstance(step, View)):
            return None
        if kind == "sums" and not (isinstance(step, Reduce) and step.kind == "max"):
            summed.update(t.name for t in step.outputs)
        elif kind == "sums":
            return None
        if needs:
            summed.update(t.name for t in step.outputs)
        parts["after" if needs else "before" if kind == "flat" else "samples"].append(step)
    return Cut(*(tuple(parts[name]) for name in ("before", "samples", "after")))


def chunked(count: int, chunks: int) -> tuple[Chunk, ...]:
    """A batch in chunks of one size, the last smaller where it does not come out even."""
    size = -(-count // chunks)
    return tuple(Chunk(begin, min(size, count - begin)) for begin in range(0, count, size))


def parallel(
    plan: Plan,
    update: Update,
    external: Mapping[Tensor, Spot],
    counts: Sequence[int],
    chunks: int,
    machine: Machine,
    made: Made,
) -> Parallel:
    """The parts of a step on each of `counts` samples; `external` are the places of a plan's leaves; the
    factor of the loss is the first of `scale`, wherever that is for the samples at hand."""
    parts = cut(plan)
    assert parts is not None, "a plan that is cut can be"
    flat, size = Axes(1, machine), plan.trace.size
    leaves = external
    results = results_of(parts.samples, leaves)
    sums = {t: Spot("sums", i) for i, t in enumerate(results)}
    common = common_of(parts)
    places = {t: Spot("common", offset) for t, offset in common.items()}
    cuts = {count: chunked(count, chunks) for count in counts}
    passes: dict[int, Program] = {}
    for found in cuts.values():
        for chunk in found:
            known = {**leaves, **sums, **places}
            kept = (*sums, *(t for t, s in leaves.items() if s.space == "g"))
            axes = Axes(chunk.size, machine)
            passes.setdefault(chunk.size, program(parts.samples, known, kept, axes, made))
    known = {**leaves, **sums, **places}
    touches = any(leaves.get(t, Spot("", 0)).space == "g" for s in parts.after for t in s.outputs)
    ranges = _ranges(size, chunks, machine.lanes)
    wanted = [t for t in (plan.trace.objective, plan.trace.penalty) if t is not None]
    wanted += [t for t, s in leaves.items() if s.space == "g"]
    return Parallel(
        before=program(parts.before, known, tuple(places), flat, made) if parts.before else None,
        passes=passes,
        chunks=cuts,
        total=_total(len(sums), chunks, flat, made),
        after=program(parts.after, known, wanted, flat, made),
        combine=tuple(_combine(r, i, chunks, not touches, flat, made) for i, r in enumerate(ranges)),
        norms=tuple(_norm(r, i, flat, made) for i, r in enumerate(ranges)) if touches else (),
        updates=tuple(_update(update, r, flat, made) for r in ranges),
        sums=len(sums),
        common=max((s.offset + 16 * -(-t.size // 16) for t, s in places.items()), default=0),
    )


def results_of(steps: Sequence[Step], external: Mapping[Tensor, Spot]) -> list[Tensor]:
    """What the samples are summed up to beside the gradient: single numbers, one after the other."""
    found = [t for s in steps if kind_of(s) == "sums" for t in s.outputs if t not in external]
    if any(t.size != 1 for t in found):
        raise NotImplementedError("a sum over the samples that is no part of the gradient")
    return found


def common_of(parts: Cut) -> dict[Tensor, int]:
    """The places of what needs no samples and is read elsewhere."""
    made = [t for s in parts.before for t in s.outputs]
    read = {t for s in (*parts.samples, *parts.after) for t in s.inputs}
    found, offset = {}, 0
    for tensor in made:
        if tensor in read:
            found[tensor] = offset
            offset += 16 * -(-tensor.size // 16)
    return found


def _ranges(size: int, count: int, lanes: int) -> list[tuple[int, int]]:
    """θ in so many ranges, whole vectors each."""
    each = -(-size // (count * lanes)) * lanes
    return [(begin, min(begin + each, size)) for begin in range(0, size, each)]


def _total(count: int, chunks: int, axes: Axes, made: Made) -> Program:
    """The sums of the chunks, added up in order."""
    given = [Tensor(f"sums {c}", (count,)) for c in range(chunks)]
    out = Tensor("sums", (count,))
    terms = [argument(f"x{c}") for c in range(chunks)]
    step = Map(inputs=tuple(given), outputs=(out,), expressions=(sum(terms[1:], terms[0]),))
    places = {t: Spot(f"sums {c}", 0) for c, t in enumerate(given)} | {out: Spot("sums", 0)}
    return program([step], places, (out,), axes, made)


def _combine(span: tuple[int, int], number: int, chunks: int, norm: bool, axes: Axes, made: Made) -> Program:
    """A range of the gradient as the sum of those of the chunks, and its norm."""
    begin, end = span
    given = [Tensor(f"g {c}", (end - begin,)) for c in range(chunks)]
    out = Tensor("g", (end - begin,))
    terms = [argument(f"x{c}") for c in range(chunks)]
    steps: list[Step] = [Map(inputs=tuple(given), outputs=(out,), expressions=(sum(terms[1:], terms[0]),))]
    places = {t: Spot(f"g {c}", begin) for c, t in enumerate(given)} | {out: Spot("g", begin)}
    if norm:
        steps += _squares(out)
        places[steps[-1].output] = Spot("norms", number)
    return program(steps, places, tuple(places), axes, made)


def _norm(span: tuple[int, int], number: int, axes: Axes, made: Made) -> Program:
    begin, end = span
    g = Tensor("g", (end - begin,))
    steps = _squares(g)
    places = {g: Spot("g", begin), steps[-1].output: Spot("norms", number)}
    return program(steps, places, tuple(places), axes, made)


def _squares(g: Tensor) -> list[Step]:
    square, total = Tensor("%square", g.shape), Tensor("%norm", ())
    return [
        Map(inputs=(g,), outputs=(square,), expressions=(argument("x0") * argument("x0"),)),
        Reduce(inputs=(square,), outputs=(total,), kind="sum", axes=(0,)),
    ]


def _update(update: Update, span: tuple[int, int], axes: Axes, made: Made) -> Program:
    """What of the update lies in a range."""
    begin, end = span
    parts = []
    for part in update.parts:
        first, last = max(begin, part.begin), min(end, part.end)
        if first < last:
            parts.append(UpdatePart(first, last, _resized(part.step, last - first)))
    return update_program(replace(update, parts=tuple(parts)), axes, made)


def _resized(step: Map, size: int) -> Map:
    """The map over vectors of another length."""

    def sized(tensor: Tensor) -> Tensor:
        return tensor if tensor.shape == () else replace(tensor, shape=(size,))

    return replace(step, inputs=tuple(map(sized, step.inputs)), outputs=tuple(map(sized, step.outputs)))
