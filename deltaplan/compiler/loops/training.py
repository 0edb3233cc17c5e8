"""Everything that a native training loop consists of, before it is written as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deltaplan.compiler.factors import with_factors
from deltaplan.compiler.loops.nest import Buffer, Compute, For, Kernel, Load, Statement, Store
from deltaplan.compiler.loops.program import Program, Spot, program
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.optimize import Update
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Map, Reduce, Step, Tensor
from deltaplan.plugins.expressions import Expr, argument, arguments, substitute

BLOCK = 256  # samples that are evaluated at once
AHEAD = 64  # steps for which the scalars of the update are computed at once
GG = Tensor("g·g", ())
Made = dict[tuple[object, ...], tuple[Kernel, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Scalars:
    """The scalars of an update: those of the step's number alone, by `ahead` for many steps at once, and
    those that need the gradient's norm. Both are kernels over float64."""

    names: tuple[str, ...]
    ahead: Kernel | None
    after: Kernel | None
    early: tuple[int, ...]  # which of the names `ahead` writes, in its order
    late: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """An input or a target: the key of its data, and its numbers for one sample."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Training:
    """The parts of a training loop.

    `steps` and `evaluate` are programs by the number of their samples; `sums` are the numbers that each
    block of an evaluation adds to, by name. `batch` is None for full batches.
    """

    kind: str
    nets: int
    size: int
    samples: int
    batch: int | None
    steps: Mapping[int, Program]
    objective: str
    total: str
    norm: Program
    clip_norm: Program | None
    update: Program
    states: tuple[str, ...]
    scalars: Scalars
    leaves: tuple[Leaf, ...]
    random: bool
    evaluate: Mapping[int, Program]
    validation: int
    sums: tuple[str, ...]

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
        clip = (self.clip_norm,) if self.clip_norm else ()
        return (*self.steps.values(), *self.evaluate.values(), self.norm, *clip, self.update)


def training(
    plan: Plan,
    evaluation: Plan | None,
    update: Update,
    kind: str,
    machine: Machine,
    samples: int,
    batch: int | None,
    validation: int = 0,
    nets: int = 0,
    fused: bool = True,
) -> Training:
    """The training loop of a plan on `samples` samples; `evaluation` runs on `validation` others."""
    made: Made = {}
    trace, update = plan.trace, with_factors(update)
    full = samples if batch is None else min(batch, samples)
    counts = dict.fromkeys((full, samples - (-(-samples // full) - 1) * full))
    total = total_of(plan)
    steps = {
        count: program(
            plan.steps,
            external_of(plan, number),
            (*plan.kept, total),
            Axes(count, machine, nets),
            made,
            fused,
        )
        for number, count in enumerate(counts)
    }
    flat = Axes(1, machine, nets)
    ends = [(part.begin, part.end) for part in update.parts]
    whole = ends == [(0, trace.size)]
    used = {t for s in plan.steps for t in s.inputs}
    leaves = [Leaf(name, t.size) for name, t in trace.inputs.items()]
    leaves += [Leaf(f"target {name}", t.size) for name, t in trace.targets.items() if t in used]
    assert trace.objective is not None
    return Training(
        kind=kind,
        nets=nets,
        size=trace.size,
        samples=samples,
        batch=batch,
        steps=steps,
        objective=trace.objective.name,
        total=total.name,
        norm=norm_program([(0, trace.size)], flat, made),
        clip_norm=norm_program(ends, flat, made) if not whole and "gnorm" in update.arguments else None,
        update=update_program(update, flat, made),
        states=update.states,
        scalars=scalars_of(update),
        leaves=tuple(leaves),
        random=plan.random,
        evaluate=evaluation_programs(evaluation, validation, machine, nets, made) if evaluation else {},
        validation=validation if evaluation else 0,
        sums=("loss",) if evaluation else (),
    )


def total_of(plan: Plan) -> Tensor:
    """The tensor with the sum of the loss over the samples."""
    return next(
        s.output
        for s in plan.steps
        if isinstance(s, Reduce) and s.batch and not s.axes and s.inputs == (plan.trace.sample_loss,)
    )


def external_of(plan: Plan, scale: int = 0) -> dict[Tensor, Spot]:
    """Where the tensors of a plan lie that are no results: θ, gradient, direction, data; `scale` is the place
    of its factor among those of other programs."""
    trace = plan.trace
    found = {part.tensor: Spot(part.vector, part.offset) for part in plan.parts}
    found |= {tensor: Spot(f"in {name}", 0) for name, tensor in trace.inputs.items()}
    found |= {tensor: Spot(f"in target {name}", 0) for name, tensor in trace.targets.items()}
    found[trace.scale] = Spot("scale", scale)
    return found


def norm_program(ranges: Sequence[tuple[int, int]], axes: Axes, made: Made) -> Program:
    """g·g over parts of the gradient."""
    steps: list[Step] = []
    external: dict[Tensor, Spot] = {}
    totals = []
    for number, (begin, end) in enumerate(ranges):
        part = Tensor(f"g{number}", (end - begin,))
        square, total = Tensor(f"%s{number}", part.shape), Tensor(f"%t{number}", ())
        external[part] = Spot("g", begin)
        steps.append(Map(inputs=(part,), outputs=(square,), expressions=(argument("x0") * argument("x0"),)))
        steps.append(Reduce(inputs=(square,), outputs=(total,), kind="sum", axes=(0,)))
        totals.append(total)
    terms = [argument(f"x{i}") for i in range(len(totals))]
    expression = sum(terms[1:], terms[0])
    steps.append(Map(inputs=tuple(totals), outputs=(GG,), expressions=(expression,)))
    return program(steps, external, (GG,), axes, made)


def update_program(update: Update, axes: Axes, made: Made) -> Program:
    """The new θ, written to `next`, and the states in their places."""
    steps = []
    external: dict[Tensor, Spot] = {}
    for number, part in enumerate(update.parts):
        renamed: dict[Tensor, Tensor] = {}
        for tensor in dict.fromkeys(part.step.inputs):
            if tensor in update.scalars:
                external[tensor] = Spot("scalars", [*update.scalars].index(tensor))
                continue
            renamed[tensor] = own = Tensor(f"{tensor.name} {number}", tensor.shape)
            external[own] = Spot(_space(tensor.name), part.begin)
        outputs = []
        for name, tensor in zip(update.writes, part.step.outputs, strict=True):
            outputs.append(own := Tensor(f"{tensor.name} {number}", tensor.shape))
            external[own] = Spot("next" if name == "w" else f"state {name}", part.begin)
        inputs = tuple(renamed.get(t, t) for t in part.step.inputs)
        steps.append(
            Map(
                inputs=inputs,
                outputs=tuple(outputs),
                expressions=part.step.expressions,
                origin=part.step.origin,
            )
        )
    return program(steps, external, tuple(external), axes, made)


def _space(name: str) -> str:
    return name if name in ("θ", "g") else f"state {name}"


def scalars_of(update: Update) -> Scalars:
    """The scalars of an update as kernels: each writes one row of its results."""
    expressions = list(update.scalars.values())
    late = tuple(i for i, e in enumerate(expressions) if "gnorm" in arguments(e))
    early = tuple(i for i in range(len(expressions)) if i not in late)
    return Scalars(
        names=tuple(t.name for t in update.scalars),
        ahead=_scalar_kernel("ahead", [expressions[i] for i in early], AHEAD) if early else None,
        after=_scalar_kernel("after", [expressions[i] for i in late], 1) if late else None,
        early=early,
        late=late,
    )


ARGUMENTS = ("t", "epoch", "gnorm")


def _scalar_kernel(name: str, expressions: Sequence[Expr], count: int) -> Kernel:
    """Scalars for `count` steps at once, from the numbers of those steps."""
    given = {a: Buffer(a, (count,)) for a in ARGUMENTS}
    out = Buffer("out", (len(expressions), count))
    used = [a for a in ARGUMENTS if any(a in arguments(e) for e in expressions)]
    places = {a: argument(f"x{i}") for i, a in enumerate(used)}
    results = tuple(f"s{i}" for i in range(len(expressions)))
    body: tuple[Statement, ...] = (
        *(Load(a, given[a], ("i",)) for a in used),
        Compute(results, tuple(substitute(e, places) for e in expressions), tuple(used)),
        *(Store(out, (i, "i"), result) for i, result in enumerate(results)),
    )
    return Kernel(name, (*given.values(), out), (For("i", count, body, "lanes"),), "scalars of the update")


def evaluation_programs(
    plan: Plan, samples: int, machine: Machine, nets: int, made: Made
) -> dict[int, Program]:
    """The sums over blocks of samples: `BLOCK` of them, and the rest."""
    loss = plan.trace.sample_loss
    assert loss is not None
    total = Tensor("Σ", ())
    steps = (*plan.steps, Reduce(inputs=(loss,), outputs=(total,), kind="sum", axes=(), batch=True))
    counts = [min(BLOCK, samples)] if samples else []
    counts += [samples % BLOCK] if samples > BLOCK and samples % BLOCK else []
    return {
        count: program(steps, external_of(plan), (total,), Axes(count, machine, nets), made)
        for count in counts
    }
