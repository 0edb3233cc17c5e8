"""`cross_entropy(weights=balanced)`, `logistic(weights=[1, 5])`: a factor for each class.

With several answers of yes or no each has its own, `logistic(weights=[[1, 5], [1, 2]])`, or all have these.
"""

from math import prod
from typing import ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Slot
from deltaplan.compiler.build.scope import Wire
from deltaplan.compiler.build.sizes import LeftToTheData
from deltaplan.compiler.build.slots import OutOfBounds, WrongType
from deltaplan.compiler.build.terms import Objective
from deltaplan.compiler.build.values import number
from deltaplan.compiler.nodes import Use, show_value
from deltaplan.compiler.weights import NoSumError, within
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.dsl import tree
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import argument

WEIGHTS = "weights"
BALANCED = "balanced"
SLOT = Slot(WEIGHTS, "tree")


@mistake
class WeightCount(Diagnostic):
    code: ClassVar[str] = "weight-count"
    title: ClassVar[str] = "there {given} for {classes} classes"
    help: ClassVar[str] = "{mend}"
    given: str  # "are 3 weights"
    classes: int
    mend: str | None = None


@mistake
class PairCount(Diagnostic):
    code: ClassVar[str] = "pair-count"
    title: ClassVar[str] = "there {given} for {answers} answers of yes or no"
    help: ClassVar[str] = "one pair for all of them is `[no, yes]`"
    given: str  # "are 2 pairs of weights"
    answers: int


@mistake
class NoShareOfAnAnswer(Diagnostic):
    code: ClassVar[str] = "no-share-of-an-answer"
    title: ClassVar[str] = (
        "`{name}` is no sum over the answers, so none of them has a loss of its own to be weighed"
    )
    name: str


def weights_slot(context: Context, name: str) -> tuple[Slot, ...]:
    """The losses that decide between classes take weights."""
    contract = context.registry.find("loss", name)
    return (SLOT,) if contract and contract.target != "real" else ()


def class_weights(
    objective: Objective, use: Use, output: Wire, value: tree.Value | None
) -> tuple[float, ...]:
    """The weights by class, of yes or no first that of no, for all answers or for one after the other; ()
    where none are asked for. Raises Told."""
    if value is None:
        return ()
    context, contract = objective.context, use.contract
    assert isinstance(contract, contracts.Loss)
    many = prod(output.shape)
    answers = many if contract.target != "class" else 1
    if answers > 1:
        _check_sum(context, use)
    if isinstance(value, tree.Name) and value.text == BALANCED:
        return _balanced(context, output, value)
    if not isinstance(value, tree.List):
        expected, got = "`balanced` or a list of numbers", f"`{value.span.text}`"
        raise context.refuse(WrongType(span=value.span, subject="`weights`", expected=expected, got=got))
    if answers > 1 and any(isinstance(item, tree.List) for item in value.items):
        return _pairs(objective, output, value, answers)
    return _weights(objective, output, value, 2 if contract.target != "class" else many, answers)


def _weights(
    objective: Objective, output: Wire, value: tree.List, classes: int, answers: int
) -> tuple[float, ...]:
    context = objective.context
    found = [context.attempt(_weight, objective, item) for item in value.items]
    weights = tuple(weight for weight in found if weight is not None)
    if len(weights) < len(found):
        raise Told
    if len(weights) != classes:
        notes = (Note(f"`{output.node}` stands here", output.span),)
        given, mend = _are(len(weights), "weight"), _mend(weights, answers)
        raise context.refuse(
            WeightCount(span=value.span, given=given, classes=classes, mend=mend, notes=notes)
        )
    return weights


def _mend(weights: tuple[float, ...], answers: int) -> str | None:
    """What a writer meant who gave a number for the yes of each answer, as in PyTorch's `pos_weight`."""
    if answers == 1:
        return None
    if len(weights) != answers or answers > SHOWN:
        return "a pair `[no, yes]` is for all answers; one for each is `[[1, 5], [1, 2], …]`"
    pairs = ", ".join(f"[1, {show_value(weight)}]" for weight in weights)
    return f"for a weight of each yes write `weights=[{pairs}]`"


SHOWN = 6  # pairs that fit on a line


def _are(count: int, what: str) -> str:
    return f"is 1 {what}" if count == 1 else f"are {count} {what}s"


def _pairs(objective: Objective, output: Wire, value: tree.List, answers: int) -> tuple[float, ...]:
    """`[[1, 5], [1, 2]]`: no and yes of each answer, one after the other."""
    context = objective.context
    for item in value.items:
        if not isinstance(item, tree.List):
            got = f"`{item.span.text}`"
            raise context.refuse(
                WrongType(span=item.span, subject="a weight for each answer", expected="`[no, yes]`", got=got)
            )
    lists = [item for item in value.items if isinstance(item, tree.List)]
    pairs = [context.attempt(_weights, objective, output, item, 2, 1) for item in lists]
    if len(pairs) != answers:
        notes = (Note(f"`{output.node}` stands here", output.span),)
        given = f"{_are(len(pairs), 'pair')} of weights"
        raise context.refuse(PairCount(span=value.span, given=given, answers=answers, notes=notes))
    if None in pairs:
        raise Told
    return tuple(weight for pair in pairs if pair for weight in pair)


def _check_sum(context: Context, use: Use) -> None:
    """A loss on several answers has a share of each only where it is a sum over them."""
    assert isinstance(use.contract, contracts.Loss)
    try:
        within(use.contract.expression, argument("w"))
    except NoSumError:
        raise context.refuse(NoShareOfAnAnswer(span=use.span, name=use.name)) from None


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
