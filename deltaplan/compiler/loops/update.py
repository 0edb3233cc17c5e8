"""The update of θ as programs: the norm of the gradient, the scalars of a step, the new values."""

from collections.abc import Sequence

from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.nest import Buffer, Compute, For, Kernel, Load, Statement, Store
from deltaplan.compiler.loops.program import Made, Program, program
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.unify import is_number
from deltaplan.compiler.optimize import Update
from deltaplan.compiler.steps import Map, Reduce, Step, Tensor
from deltaplan.plugins.expressions import Expr, argument, arguments, substitute
from deltaplan.records import dataclass

AHEAD = 64  # steps for which the scalars of the update are computed at once
GG = Tensor("g·g", ())


@dataclass(frozen=True, slots=True)
class Scalars:
    """The scalars of an update: those of the step's number alone, by `ahead` for many steps at once, and
    those that need the gradient's norm. Both are kernels over float64."""

    names: tuple[str, ...]
    ahead: Kernel | None
    after: Kernel | None
    early: tuple[int, ...]  # which of the names `ahead` writes, in its order
    late: tuple[int, ...]

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        return tuple(kernel for kernel in (self.ahead, self.after) if kernel)


def norm_program(ranges: Sequence[tuple[int, int]], axes: Axes, made: Made, space: str = "g") -> Program:
    """g·g over parts of the gradient, or of another vector."""
    steps: list[Step] = []
    external: dict[Tensor, Spot] = {}
    totals = []
    for number, (begin, end) in enumerate(ranges):
        part = Tensor(f"g{number}", (end - begin,))
        square, total = Tensor(f"%s{number}", part.shape), Tensor(f"%t{number}", ())
        external[part] = Spot(space, begin)
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
    each = max(axes.nets, 1)
    for number, part in enumerate(update.parts):
        renamed: dict[Tensor, Tensor] = {}
        for tensor in dict.fromkeys(part.step.inputs):
            if tensor in update.scalars:
                external[tensor] = _scalar(tensor, update, axes)
                continue
            if tensor.shape == ():
                external[tensor] = spot_of_number(tensor, each) or Spot(tensor.name, 0)
                continue
            renamed[tensor] = own = Tensor(f"{tensor.name} {number}", tensor.shape)
            external[own] = Spot(_space(tensor.name), part.begin * each)
        outputs = []
        for name, tensor in zip(update.writes, part.step.outputs, strict=True):
            outputs.append(own := Tensor(f"{tensor.name} {number}", tensor.shape))
            external[own] = Spot("next" if name == "w" else f"state {name}", part.begin * each)
        inputs = tuple(renamed.get(t, t) for t in part.step.inputs)
        steps.append(
            Map(
                inputs=inputs,
                outputs=tuple(outputs),
                expressions=part.step.expressions,
                origin=part.step.origin,
            )
        )
    return program(steps, external, tuple(external), axes, made, arithmetic="estimated")


def spot_of_number(tensor: Tensor, nets: int) -> Spot | None:
    """The place of a number that each net has for itself: see `unify`."""
    return Spot("hyper", int(tensor.name.split()[1]) * nets) if is_number(tensor) else None


def _scalar(tensor: Tensor, update: Update, axes: Axes) -> Spot:
    """The place of a scalar: those that each net has for itself stand apart."""
    number = [*update.scalars].index(tensor)
    return Spot("late", number * axes.nets) if axes.own(tensor) else Spot("scalars", number)


def _space(name: str) -> str:
    return name if name in ("θ", "g") else f"state {name}"


def scalars_of(update: Update) -> Scalars:
    """The scalars of an update as kernels: each writes one row of its results."""
    expressions = list(update.scalars.values())
    late = tuple(i for i, e in enumerate(expressions) if not set(arguments(e)) <= {"t", "epoch"})
    early = tuple(i for i in range(len(expressions)) if i not in late)
    return Scalars(
        names=tuple(t.name for t in update.scalars),
        ahead=_scalar_kernel("ahead", [expressions[i] for i in early], AHEAD) if early else None,
        after=_scalar_kernel("after", [expressions[i] for i in late], 1) if late else None,
        early=early,
        late=late,
    )


ARGUMENTS = ("t", "epoch", "gnorm")
MOST_NUMBERS = 256  # in which nets that are trained together may differ


def _scalar_kernel(name: str, expressions: Sequence[Expr], count: int) -> Kernel:
    """Scalars for `count` steps at once, from the numbers of those steps."""
    given = {a: Buffer(a, (count,)) for a in ARGUMENTS}
    numbers, out = Buffer("numbers", (MOST_NUMBERS,)), Buffer("out", (len(expressions), count))
    found = sorted({a for e in expressions for a in arguments(e)})
    used = [a for a in found if a in ARGUMENTS]
    own = [a for a in found if a not in ARGUMENTS]  # h0, h1, …: the numbers of a net
    places = {a: argument(f"x{i}") for i, a in enumerate([*used, *own])}
    results = tuple(f"s{i}" for i in range(len(expressions)))
    body: tuple[Statement, ...] = (
        *(Load(a, given[a], ("i",)) for a in used),
        *(Load(a, numbers, (int(a[1:]),)) for a in own),
        Compute(results, tuple(substitute(e, places) for e in expressions), (*used, *own)),
        *(Store(out, (i, "i"), result) for i, result in enumerate(results)),
    )
    nest = (For("i", count, body, "lanes"),)
    return Kernel(name, (*given.values(), numbers, out), nest, "scalars of the update", "double")
