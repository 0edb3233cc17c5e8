"""What has no form in C, told with the line of the spec that it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.loops.groups import kind_of
from deltaplan.compiler.loops.parallel import cut
from deltaplan.compiler.plan import Plan, compile_plans
from deltaplan.compiler.steps import (
    ArgMax,
    Map,
    MatMul,
    Pick,
    Place,
    Put,
    Random,
    Reduce,
    Slice,
    Step,
    View,
)
from deltaplan.diagnostics import Diagnostic, Span, SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class NotInC(Diagnostic):
    code: ClassVar[str] = "not-in-c"
    title: ClassVar[str] = "{what} cannot be written as C yet"
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesDepend(Diagnostic):
    code: ClassVar[str] = "samples-depend"
    title: ClassVar[str] = "training in C sees one sample after the other, and here they depend on each other"
    help: ClassVar[str] = "without `--train` the model is written for prediction"


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverInC(Diagnostic):
    code: ClassVar[str] = "solver-in-c"
    title: ClassVar[str] = "`{name}` is no optimizer that goes step by step, and cannot be written as C"
    help: ClassVar[str] = "another optimizer can, `adam` or `sgd(lr=1e-2)`; without `--train` none is needed"
    name: str


def refuse_training(experiment: Experiment) -> None:
    """SpecError where a step of training has no form in C that goes through one sample after the other."""
    train = experiment.train
    assert train is not None
    if train.solver:
        raise SpecError(SolverInC(name=train.optimizer.name, span=train.optimizer.span))
    plan = compile_plans(experiment).train
    assert plan is not None
    if cut(plan) is None:
        raise SpecError(SamplesDepend(span=_span(experiment, _first_dependent(plan).origin)))


def refuse_steps(experiment: Experiment, steps: Sequence[Step]) -> None:
    """SpecError for each node whose steps no plain schedule knows."""
    origins = {step.origin: type(step).__name__ for step in steps if not has_form(step)}
    found = [
        NotInC(what=f"`{origin}` ({kind})", span=_span(experiment, origin))
        for origin, kind in origins.items()
    ]
    if found:
        raise SpecError(*found)


FORMS = (Map, Reduce, Pick, Put, ArgMax, Slice, Place, Random, View)


def has_form(step: Step) -> bool:
    """Whether C has loops for a step: those of windows and of sparse matrices are not written yet."""
    match step:
        case MatMul():
            return not step.inputs[0].batched or kind_of(step) == "sums"
        case ArgMax(window=window) | Put(window=window):
            return window is None
        case _:
            return isinstance(step, FORMS)


def _first_dependent(plan: Plan) -> Step:
    """The first step that needs a sum over the samples before each of them is done."""
    steps = plan.steps
    low, high = 0, len(steps)  # the steps up to `low` can be cut, those up to `high` cannot
    while high - low > 1:
        middle = (low + high) // 2
        if cut(replace(plan, forward=steps[:middle], backward=())) is None:
            high = middle
        else:
            low = middle
    return steps[low]


def _span(experiment: Experiment, origin: str) -> Span | None:
    graph = experiment.graph
    return graph[origin].span if origin in graph else None
