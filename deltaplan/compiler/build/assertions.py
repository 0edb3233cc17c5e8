"""`assert parameters == 431080`: what the writer holds to be true of the compiled model."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from deltaplan.compiler.build.binding import ValueNeeded
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.names import NotYetSupported, unknown
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.values import DivisionByZero, number
from deltaplan.compiler.costs import depth, prediction_memory, training_memory
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.plan import compile_plans
from deltaplan.diagnostics import Diagnostic
from deltaplan.dsl import tree

Quantity = Callable[[Experiment], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionFailed(Diagnostic):
    code: ClassVar[str] = "assertion-failed"
    title: ClassVar[str] = "`{text}` does not hold"
    label: ClassVar[str] = "{found}"
    text: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
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
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Assertion:
    """A comparison whose names are known."""

    value: tree.Binary
    numbers: Mapping[int, float]  # of those parts that are no quantities, by where they begin


def read_assertions(context: Context, scope: Scope, reads: Iterable[Read]) -> list[Assertion]:
    """The assertions of a file, without those that hold a mistake, which is told."""
    found = [context.attempt(_assertion, context, scope, read) for read in reads]
    return [assertion for assertion in found if assertion]


def check_assertions(context: Context, experiment: Experiment, assertions: Iterable[Assertion]) -> None:
    """Tells of those that do not hold."""
    for assertion in assertions:
        context.attempt(_check, context, experiment, assertion)


def _assertion(context: Context, scope: Scope, read: Read) -> Assertion:
    match read.line.items:
        case (tree.Binary(op=op) as value,) if op in COMPARISONS:
            numbers: dict[int, float] = {}
            sides = [
                context.attempt(_read, context, scope, side, numbers) for side in (value.left, value.right)
            ]
            if None in sides:
                raise Told
            return Assertion(value, numbers)
    example = "assert parameters == 78"
    raise context.refuse(ValueNeeded(span=read.span, owner="assert", what="one comparison", example=example))


def _read(context: Context, scope: Scope, value: tree.Value, numbers: dict[int, float]) -> bool:
    """Looks names up: the values of params and plain numbers go into `numbers`. Raises Told."""
    name = _quantity(value)
    if name in QUANTITIES:
        return True
    match value:
        case tree.Binary(op=op) if op in ARITHMETIC:
            sides = [
                context.attempt(_read, context, scope, side, numbers) for side in (value.left, value.right)
            ]
            if None in sides:
                raise Told
        case tree.Name(text="lipschitz"):
            raise context.refuse(NotYetSupported(span=value.span, what="`assert lipschitz`"))
        case tree.Call(name="memory"):
            raise unknown(context, "memory", value.span.text, value.span, MEMORIES, list_known=True)
        case tree.Name() | tree.Call() if not (isinstance(value, tree.Name) and scope.find(value.text)):
            span = value.name_span if isinstance(value, tree.Call) else value.span
            raise unknown(context, "quantity", span.text, span, QUANTITIES, list_known=True)
        case _:
            numbers[value.span.start] = float(number(context, scope, value))
    return True


def _read_both(context: Context, scope: Scope, value: tree.Binary, numbers: dict[int, float]) -> None:
    sides = [context.attempt(_read, context, scope, side, numbers) for side in (value.left, value.right)]
    if None in sides:
        raise Told


MEMORIES = tuple(name for name in QUANTITIES if name.startswith("memory"))


def _quantity(value: tree.Value) -> str:
    """`parameters`, `memory(training)`, whatever blanks it is written with."""
    match value:
        case tree.Name(text=text):
            return text
        case tree.Call(name=name, items=(tree.Name(text=text),), after=()):
            return f"{name}({text})"
    return ""


def _check(context: Context, experiment: Experiment, assertion: Assertion) -> None:
    value, found = assertion.value, dict[str, int]()
    sides = [_value(context, experiment, assertion, side, found) for side in (value.left, value.right)]
    if not COMPARISONS[value.op](*sides):
        shown = ", ".join(f"{name} is {number:,}" for name, number in found.items())
        context.refuse(
            AssertionFailed(span=value.span, text=value.span.text, found=shown or "both are numbers")
        )


def _value(
    context: Context,
    experiment: Experiment,
    assertion: Assertion,
    value: tree.Value,
    found: dict[str, int],
) -> float:
    name = _quantity(value)
    if name in QUANTITIES:
        if name not in found:
            _check_known(context, experiment, name, value)
            found[name] = QUANTITIES[name](experiment)
        return found[name]
    if value.span.start in assertion.numbers and not isinstance(value, tree.Binary):
        return assertion.numbers[value.span.start]
    assert isinstance(value, tree.Binary), "what is no number is made of such"
    left = _value(context, experiment, assertion, value.left, found)
    right = _value(context, experiment, assertion, value.right, found)
    if value.op == "/" and right == 0:
        raise context.refuse(DivisionByZero(span=value.right.span))
    return ARITHMETIC[value.op](left, right)


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
