"""What has no form in C, told with the line of the spec that it comes from."""

from collections.abc import Sequence
from typing import ClassVar

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.steps import Step, host_functions
from deltaplan.diagnostics import Diagnostic, Span, SpecError, mistake


@mistake
class NotInC(Diagnostic):
    code: ClassVar[str] = "not-in-c"
    title: ClassVar[str] = "the numpy function `{name}` of `{origin}` cannot be written as C"
    help: ClassVar[str] = "an expression of deltaplan.plugins.api can"
    name: str
    origin: str


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
    """SpecError for each node with a plain numpy function, of which C knows nothing."""
    names = {step.origin: host_functions(step) for step in steps}
    found = [
        NotInC(name=name, origin=origin, span=_span(experiment, origin))
        for origin, functions in names.items()
        for name in functions
    ]
    if found:
        raise SpecError(*found)


def _span(experiment: Experiment, origin: str) -> Span | None:
    graph = experiment.graph
    return graph[origin].span if origin in graph else None
