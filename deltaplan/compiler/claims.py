"""Assertions that are read: comparisons of quantities of a model, ready to be checked."""

import operator
from collections.abc import Callable, Mapping

from deltaplan.diagnostics import Span
from deltaplan.dsl import tree
from deltaplan.records import dataclass

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
    """A comparison whose names are known. `quantities` are those that it speaks of."""

    value: tree.Binary
    numbers: Mapping[int, float]  # of those parts that are no quantities, by where they begin
    quantities: frozenset[str]

    @property
    def text(self) -> str:
        return self.value.span.text


class DividedByZero(Exception):  # noqa: N818
    """A divisor is 0; `span` is where it stands."""

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span


Quantity = Callable[[str, tree.Value], float]


def verdict(assertion: Assertion, quantity: Quantity) -> tuple[bool, dict[str, float]]:
    """Whether it holds, and the quantities that were looked up, each once. Raises DividedByZero."""
    found: dict[str, float] = {}
    value = assertion.value
    left, right = (_value(assertion, side, quantity, found) for side in (value.left, value.right))
    return COMPARISONS[value.op](left, right), found


def _value(assertion: Assertion, value: tree.Value, quantity: Quantity, found: dict[str, float]) -> float:
    name = quantity_of(value)
    if name in assertion.quantities:
        if name not in found:
            found[name] = quantity(name, value)
        return found[name]
    if value.span.start in assertion.numbers and not isinstance(value, tree.Binary):
        return assertion.numbers[value.span.start]
    assert isinstance(value, tree.Binary), "what is no number is made of such"
    left = _value(assertion, value.left, quantity, found)
    right = _value(assertion, value.right, quantity, found)
    if value.op == "/" and right == 0:
        raise DividedByZero(value.right.span)
    return ARITHMETIC[value.op](left, right)


def quantity_of(value: tree.Value) -> str:
    """`parameters`, `memory(training)`, whatever blanks it is written with; else nothing."""
    match value:
        case tree.Name(text=text):
            return text
        case tree.Call(name=name, items=(tree.Name(text=text),), after=()):
            return f"{name}({text})"
    return ""


def shown(found: Mapping[str, float]) -> str:
    """`parameters is 78, lipschitz is 12.3`"""
    return ", ".join(
        f"{name} is {number:,}" if isinstance(number, int) else f"{name} is {number:.6g}"
        for name, number in found.items()
    )
