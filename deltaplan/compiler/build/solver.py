"""Optimizers that are solvers: what they need of the rest of the spec."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.convex import convex_loss, convex_penalty, first_not_affine, smooth
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.lower import Trace, lower
from deltaplan.compiler.nodes import Loss, Penalty, Use
from deltaplan.compiler.parameters import is_in, place_parameters
from deltaplan.compiler.steps import Random
from deltaplan.compiler.trained import frozen
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.plugins.contracts import Solver

MOST_STEPS = 100  # of a solver that ends by itself


@mistake
class NoMeaning(Diagnostic):
    code: ClassVar[str] = "no-meaning"
    title: ClassVar[str] = "`{head}` has no meaning with `{optimizer}`: {why}"
    head: str
    optimizer: str
    why: str


@mistake
class NotConvex(Diagnostic):
    code: ClassVar[str] = "not-convex"
    title: ClassVar[str] = "`{optimizer}` takes what is convex in the trained parameters: {why}"
    help: ClassVar[str] = "{mend}"
    optimizer: str
    why: str
    mend: str | None = None


@mistake
class NotSmooth(Diagnostic):
    code: ClassVar[str] = "not-smooth"
    title: ClassVar[str] = (
        "`{optimizer}` needs second derivatives, and `{name}` does not have them everywhere"
    )
    optimizer: str
    name: str


@mistake
class RandomObjective(Diagnostic):
    code: ClassVar[str] = "random-objective"
    title: ClassVar[str] = "`{optimizer}` needs an objective that stays the same, and `{node}` is random"
    optimizer: str
    node: str


@mistake
class MovingStatistics(Diagnostic):
    code: ClassVar[str] = "moving-statistics"
    title: ClassVar[str] = (
        "`{optimizer}` needs an objective that stays the same, and `{node}` moves its running statistics"
    )
    help: ClassVar[str] = "`freeze` on its line keeps them; `layer_norm` has none"
    optimizer: str
    node: str


@mistake
class SolverTooLarge(Diagnostic):
    code: ClassVar[str] = "solver-too-large"
    title: ClassVar[str] = (
        "`{optimizer}` needs {bytes:,} bytes for {size:,} parameters, and the bound is {limit:,}"
    )
    optimizer: str
    size: int
    bytes: int
    limit: int


STEPWISE = "it has no steps along the gradient"
WHOLE = "it sees all samples at once"
AT_MINIMUM = "it ends at the minimum"


def check_lines(context: Context, optimizer: Use, lines: Mapping[str, Read], batch: object) -> None:
    """Tells of lines that say nothing to a solver."""
    contract = optimizer.contract
    if not isinstance(contract, Solver):
        return
    reasons = {"clip": STEPWISE, "lr_scale": STEPWISE}
    reasons |= {"batch": WHOLE} if batch not in (None, "full") else {}
    if contract.exact:
        reasons |= dict.fromkeys(("epochs", "steps", "stop_early", "keep"), AT_MINIMUM)
    for head, why in reasons.items():
        if head in lines:
            span = lines[head].span
            context.refuse(NoMeaning(span=span, head=head, optimizer=optimizer.name, why=why))


def check_solver(context: Context, experiment: Experiment) -> None:
    """Tells why a solver cannot take the problem."""
    assert experiment.train is not None
    optimizer = experiment.train.optimizer
    contract = optimizer.contract
    if not isinstance(contract, Solver):
        return
    trace = lower(experiment.graph, "train", frozen(experiment))
    _check_size(context, optimizer, contract, sum(p.size for p in trace.trained))
    drawn = next((step for step in trace.steps if isinstance(step, Random)), None)
    if drawn:
        notes = (Note("it draws here", experiment.graph[drawn.origin].span),)
        context.refuse(
            RandomObjective(span=optimizer.span, optimizer=optimizer.name, node=drawn.origin, notes=notes)
        )
    moving = next(iter(trace.updated.values()), None)
    if moving:
        notes = (Note("it stands here", experiment.graph[moving.node].span),)
        context.refuse(
            MovingStatistics(span=optimizer.span, optimizer=optimizer.name, node=moving.node, notes=notes)
        )
    if contract.exact:
        _check_convex(context, experiment, optimizer, trace)


def _check_size(context: Context, optimizer: Use, contract: Solver, size: int) -> None:
    values = {p.name: optimizer.values.get(p.name, p.default) for p in contract.parameters}
    needed, limit = 8 * contract.numbers(size, **values), context.limits.bytes
    if needed > limit:
        context.refuse(
            SolverTooLarge(
                span=optimizer.span, optimizer=optimizer.name, size=size, bytes=needed, limit=limit
            )
        )


def _check_convex(context: Context, experiment: Experiment, optimizer: Use, trace: Trace) -> None:
    graph = experiment.graph
    bent = first_not_affine(trace)
    if bent:
        node = graph[bent.origin]
        context.refuse(
            NotConvex(
                span=optimizer.span,
                optimizer=optimizer.name,
                why=f"`{node.name}` is not linear in them",
                mend="`only output` trains the last layers alone",
                notes=(Note("it stands here", node.span),),
            )
        )
    terms = [(loss, convex_loss(loss)) for loss in graph.of(Loss)]
    _check_terms(context, optimizer, terms)
    _check_terms(context, optimizer, [(n, convex_penalty(n)) for n in _trained_penalties(experiment)])


def _check_terms(context: Context, optimizer: Use, terms: Iterable[tuple[Loss | Penalty, bool]]) -> None:
    for term, convex in terms:
        if not smooth(term.expression):
            context.refuse(NotSmooth(span=term.span, optimizer=optimizer.name, name=term.use.name))
        elif not convex:
            why = f"of `{term.use.name}` that is not known"
            context.refuse(NotConvex(span=term.span, optimizer=optimizer.name, why=why))


def _trained_penalties(experiment: Experiment) -> Iterable[Penalty]:
    graph, still = experiment.graph, frozen(experiment)
    trained = [p for p in place_parameters(graph) if p.name not in still]
    return (n for n in graph.of(Penalty) if any(is_in(p, n.places, graph) for p in trained))
