"""`assert parameters == 431080`: what the writer holds to be true of the compiled model."""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from deltaplan.compiler.build.binding import ValueNeeded
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.values import DivisionByZero, number
from deltaplan.compiler.claims import (
    ARITHMETIC,
    COMPARISONS,
    Assertion,
    DividedByZero,
    quantity_of,
    shown,
    verdict,
)
from deltaplan.compiler.costs import depth, prediction_memory, training_memory
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.plan import compile_plans
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree

Quantity = Callable[[Experiment], int]


@mistake
class AssertionFailed(Diagnostic):
    code: ClassVar[str] = "assertion-failed"
    title: ClassVar[str] = "`{text}` does not hold"
    label: ClassVar[str] = "{found}"
    text: str
    found: str


@mistake
class AssertionUnknown(Diagnostic):
    code: ClassVar[str] = "assertion-unknown"
    title: ClassVar[str] = "`{text}` is not known before anything is run: {why}"
    help: ClassVar[str] = "{mend}"
    text: str
    why: str
    mend: str


def _parameters(experiment: Experiment) -> int:
    return sum(p.size for p in place_parameters(experiment.graph))


def _training(experiment: Experiment) -> int:
    assert experiment.train is not None
    assert experiment.train.batch is not None
    return training_memory(experiment, compile_plans(experiment), experiment.train.batch).total


QUANTITIES: Mapping[str, Quantity] = {
    "parameters": _parameters,
    "depth": lambda experiment: depth(experiment.graph),
    "memory(training)": _training,
    "memory(prediction)": prediction_memory,
}
TRAINED = ("lipschitz",)  # known of trained weights alone
KNOWN = (*QUANTITIES, *TRAINED)
MEMORIES = tuple(name for name in QUANTITIES if name.startswith("memory"))


def read_assertions(context: Context, scope: Scope, reads: Iterable[Read]) -> list[Assertion]:
    """The assertions of a file, without those that hold a mistake, which is told."""
    found = [context.attempt(_assertion, context, scope, read) for read in reads]
    return [assertion for assertion in found if assertion]


def of_trained(assertions: Iterable[Assertion]) -> tuple[Assertion, ...]:
    """Those about trained weights, which are checked after training."""
    return tuple(a for a in assertions if a.quantities & {*TRAINED})


def check_assertions(context: Context, experiment: Experiment, assertions: Iterable[Assertion]) -> None:
    """Tells of those that do not hold, and of those that no training will check."""
    for assertion in assertions:
        context.attempt(_check, context, experiment, assertion)


def _assertion(context: Context, scope: Scope, read: Read) -> Assertion:
    match read.line.items:
        case (tree.Binary(op=op) as value,) if op in COMPARISONS:
            numbers: dict[int, float] = {}
            names: set[str] = set()
            sides = [
                context.attempt(_read, context, scope, side, numbers, names)
                for side in (value.left, value.right)
            ]
            if None in sides:
                raise Told
            return Assertion(value, numbers, frozenset(names))
    example = "assert parameters == 78"
    match read.line.items:
        case (tree.Option() as option,):
            example = f"assert {option.key.span.text} == {option.value.span.text}"
    raise context.refuse(ValueNeeded(span=read.span, owner="assert", what="one comparison", example=example))


def _read(
    context: Context, scope: Scope, value: tree.Value, numbers: dict[int, float], names: set[str]
) -> bool:
    """Looks names up: the values of params and plain numbers go into `numbers`, quantities into `names`.
    Raises Told."""
    if (name := quantity_of(value)) in KNOWN:
        names.add(name)
        return True
    match value:
        case tree.Binary(op=op) if op in ARITHMETIC:
            sides = [
                context.attempt(_read, context, scope, side, numbers, names)
                for side in (value.left, value.right)
            ]
            if None in sides:
                raise Told
        case tree.Call(name="memory"):
            raise unknown(context, "memory", value.span.text, value.span, MEMORIES, list_known=True)
        case tree.Name() | tree.Call() if not (isinstance(value, tree.Name) and scope.find(value.text)):
            span = value.name_span if isinstance(value, tree.Call) else value.span
            raise unknown(context, "quantity", span.text, span, KNOWN, list_known=True)
        case _:
            numbers[value.span.start] = float(number(context, scope, value))
    return True


def _check(context: Context, experiment: Experiment, assertion: Assertion) -> None:
    if later := assertion.quantities & {*TRAINED}:
        _check_trained(context, experiment, assertion, min(later))
        return

    def quantity(name: str, value: tree.Value) -> float:
        _check_known(context, experiment, name, value)
        return QUANTITIES[name](experiment)

    try:
        holds, found = verdict(assertion, quantity)
    except DividedByZero as fault:
        raise context.refuse(DivisionByZero(span=fault.span)) from None
    if not holds:
        span, told = assertion.value.span, shown(found) or "both are numbers"
        context.refuse(AssertionFailed(span=span, text=assertion.text, found=told))


def _check_trained(context: Context, experiment: Experiment, assertion: Assertion, name: str) -> None:
    if experiment.train is None:
        why = "it is that of trained weights, and the spec has no `train` block"
        mend = "`deltaplan lab lipschitz` tells that of the first weights"
        context.refuse(AssertionUnknown(span=assertion.value.span, text=name, why=why, mend=mend))


def _check_known(context: Context, experiment: Experiment, name: str, value: tree.Value) -> None:
    """The memory of training takes a problem and a batch of a known size."""
    if name != "memory(training)":
        return
    if experiment.train is None:
        why, mend = "the spec has no `train` block", "`memory(prediction)` needs none"
    elif experiment.train.batch is None:
        why, mend = "with `batch full` it depends on the number of samples", "`batch 32` says how many"
    else:
        return
    raise context.refuse(AssertionUnknown(span=value.span, text=name, why=why, mend=mend))
