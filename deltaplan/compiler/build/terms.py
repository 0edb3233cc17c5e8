"""The terms of a sum such as `mean(squared_error) + 2 * l2(1e-4)`: factor, name, values and place."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from deltaplan.compiler.build.binding import bind
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.form import Slot, of_parameters
from deltaplan.compiler.build.model import Model
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.nodes import Use
from deltaplan.diagnostics import Diagnostic, Span, mistake
from deltaplan.dsl import tree
from deltaplan.records import dataclass

Average = Literal["mean", "sum"]


@mistake
class NotATerm(Diagnostic):
    code: ClassVar[str] = "not-a-term"
    title: ClassVar[str] = "`{text}` is neither a loss nor a regularizer"
    help: ClassVar[str] = "{mend}"
    text: str
    mend: str | None = None


@mistake
class SubtractedTerm(Diagnostic):
    code: ClassVar[str] = "subtracted-term"
    title: ClassVar[str] = "`{text}` is subtracted"
    help: ClassVar[str] = "terms are added with `+`, and their factors are not negative"
    text: str


@mistake
class NegativeFactor(Diagnostic):
    code: ClassVar[str] = "negative-factor"
    title: ClassVar[str] = "the factor of `{name}` is negative: what is minimized would have no bound below"
    name: str


@dataclass(frozen=True, slots=True)
class Objective:
    """The model whose draft the terms go into; `scope` is that of the model, where places are looked up."""

    context: Context
    scope: Scope
    model: Model
    averages: list[tuple[Average, Span]]


def terms(value: tree.Value) -> Iterator[tree.Value]:
    """The summands, in order."""
    later: list[tree.Value] = []
    while isinstance(value, tree.Binary) and value.op == "+":
        later.append(value.right)
        value = value.left
    yield value
    for summand in reversed(later):
        yield from terms(summand)


def use_of(
    objective: Objective,
    kind: Literal["loss", "regularizer", "metric"],
    core: tree.Value,
    name: str,
    *more: Slot,
) -> tuple[Use, dict[str, tree.Value]]:
    """The contribution with its values, and `on` and other trees as they were written."""
    context = objective.context
    contract = context.registry.find(kind, name)
    span = core.name_span if isinstance(core, tree.Call) else core.span
    if contract is None:
        raise unknown(context, kind, name, span, context.registry.names(kind))
    form = of_parameters(contract, kind, Slot("on", "tree"), *more)
    items = (core.items + core.after) if isinstance(core, tree.Call) else ()
    bound = bind(context, objective.scope, form, items, span)
    return Use(contract, bound.values, core.span), bound.trees


def word_of(context: Context, core: tree.Value) -> str:
    match core:
        case tree.Call(name=name):
            return name
        case tree.Name(text=text):
            return text
        case tree.Binary(op="-"):
            raise context.refuse(SubtractedTerm(span=core.right.span, text=core.right.span.text))
    mend = None
    if isinstance(core, tree.Number):
        mend = f"a penalty on the weights is `l2({core.span.text})`, a factor stands before its term"
    raise context.refuse(NotATerm(span=core.span, text=core.span.text, mend=mend))


def checked_factor(context: Context, core: tree.Value, name: str, factor: float) -> float:
    if factor < 0:
        raise context.refuse(NegativeFactor(span=core.span, name=name))
    return factor
