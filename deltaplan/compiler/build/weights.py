"""`cross_entropy(weights=balanced)`, `logistic(weights=[1, 5])`: a factor for each class."""

from math import prod
from typing import ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Slot
from deltaplan.compiler.build.names import NotYetSupported
from deltaplan.compiler.build.scope import Wire
from deltaplan.compiler.build.sizes import LeftToTheData
from deltaplan.compiler.build.slots import OutOfBounds, WrongType
from deltaplan.compiler.build.terms import Objective
from deltaplan.compiler.build.values import number
from deltaplan.compiler.nodes import Use, show_value
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.dsl import tree
from deltaplan.plugins import contracts

WEIGHTS = "weights"
BALANCED = "balanced"
SLOT = Slot(WEIGHTS, "tree")


@mistake
class WeightCount(Diagnostic):
    code: ClassVar[str] = "weight-count"
    title: ClassVar[str] = "there are {given} weights for {classes} classes"
    given: int
    classes: int


def weights_slot(context: Context, name: str) -> tuple[Slot, ...]:
    """The losses that decide between classes take weights."""
    contract = context.registry.find("loss", name)
    return (SLOT,) if contract and contract.target != "real" else ()


def class_weights(
    objective: Objective, use: Use, output: Wire, value: tree.Value | None
) -> tuple[float, ...]:
    """The weights by class, of yes or no first those of no; () where none are asked for. Raises Told."""
    if value is None:
        return ()
    context, contract = objective.context, use.contract
    assert isinstance(contract, contracts.Loss)
    many = prod(output.shape)
    if contract.target != "class" and many > 1:
        what = "class weights for several answers of yes or no"
        raise context.refuse(NotYetSupported(span=value.span, what=what))
    if isinstance(value, tree.Name) and value.text == BALANCED:
        return _balanced(context, output, value)
    if not isinstance(value, tree.List):
        expected, got = "`balanced` or a list of numbers", f"`{value.span.text}`"
        raise context.refuse(WrongType(span=value.span, subject="`weights`", expected=expected, got=got))
    found = [context.attempt(_weight, objective, item) for item in value.items]
    weights = tuple(weight for weight in found if weight is not None)
    if len(weights) < len(found):
        raise Told
    classes = many if contract.target == "class" else 2
    if len(weights) != classes:
        notes = (Note(f"`{output.node}` stands here", output.span),)
        raise context.refuse(WeightCount(span=value.span, given=len(weights), classes=classes, notes=notes))
    return weights


def _balanced(context: Context, output: Wire, value: tree.Value) -> tuple[float, ...]:
    found = context.measured.weights.get(output.node)
    if found is None and context.unmeasured:
        raise Told
    if found is None:
        mend = "write a weight for each class, `weights=[1, 5]`, or name the columns in a `data` block"
        raise context.refuse(LeftToTheData(span=value.span, what="the weight of a class", mend=mend))
    return found


def _weight(objective: Objective, value: tree.Value) -> float:
    found = float(number(objective.context, objective.scope, value))
    if found < 0:
        bound, shown = "at least 0", show_value(found)
        raise objective.context.refuse(
            OutOfBounds(span=value.span, subject="a weight", bound=bound, value=shown)
        )
    return found
