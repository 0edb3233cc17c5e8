"""What has no form in C, told with the line of the spec that it comes from."""

from collections.abc import Sequence
from typing import ClassVar

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.loops.groups import kind_of
from deltaplan.compiler.steps import MatMul, Step, host_functions
from deltaplan.diagnostics import Diagnostic, Span, SpecError, mistake


@mistake
class NotInC(Diagnostic):
    code: ClassVar[str] = "not-in-c"
    title: ClassVar[str] = "{what} cannot be written as C yet"
    what: str


@mistake
class SolverInC(Diagnostic):
    code: ClassVar[str] = "solver-in-c"
    title: ClassVar[str] = "`{name}` is no optimizer that goes step by step, and cannot be written as C"
    help: ClassVar[str] = "another optimizer can, `adam` or `sgd(lr=1e-2)`; without `--train` none is needed"
    name: str


def refuse_training(experiment: Experiment) -> None:
    """SpecError where no step of training has a form in C."""
    train = experiment.train
    assert train is not None
    if train.solver:
        raise SpecError(SolverInC(name=train.optimizer.name, span=train.optimizer.span))


def refuse_steps(experiment: Experiment, steps: Sequence[Step]) -> None:
    """SpecError for each node whose steps no plain schedule knows."""
    origins = {step.origin: _kind(step) for step in steps if not has_form(step)}
    found = [
        NotInC(what=f"`{origin}` ({kind})", span=_span(experiment, origin))
        for origin, kind in origins.items()
    ]
    if found:
        raise SpecError(*found)


def has_form(step: Step) -> bool:
    """Whether C has loops for a step: not for a product of two tensors of each sample, nor for a plain numpy
    function."""
    if host_functions(step):
        return False
    return not isinstance(step, MatMul) or not step.inputs[0].batched or kind_of(step) == "sums"


def _kind(step: Step) -> str:
    return ", ".join(f"the numpy function `{name}`" for name in host_functions(step)) or type(step).__name__


def _span(experiment: Experiment, origin: str) -> Span | None:
    graph = experiment.graph
    return graph[origin].span if origin in graph else None
