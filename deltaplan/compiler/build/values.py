"""Values of the tree as numbers, booleans and words: names looked up, arithmetic done and bounded."""

from collections.abc import Callable
from math import isfinite
from operator import add, mul, sub
from typing import ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.names import OtherForm, ScheduleOutOfPlace, UnknownName
from deltaplan.compiler.build.scope import Lost, Scope, Wire
from deltaplan.compiler.nodes import show_value
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake, nearest
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Value

Number = int | float
LARGEST = 1 << 62  # a whole number beyond it is refused before it grows
WORDS = {"true": True, "false": False}


@mistake
class DivisionByZero(Diagnostic):
    code: ClassVar[str] = "division-by-zero"
    title: ClassVar[str] = "division by zero"
    label: ClassVar[str] = "this is 0"


@mistake
class NumberTooLarge(Diagnostic):
    code: ClassVar[str] = "number-too-large"
    title: ClassVar[str] = "the number is too large"


@mistake
class NoRealValue(Diagnostic):
    code: ClassVar[str] = "no-real-value"
    title: ClassVar[str] = "{base} ^ {exponent} is not a real number"
    base: str
    exponent: str


@mistake
class NotANumber(Diagnostic):
    code: ClassVar[str] = "not-a-number"
    title: ClassVar[str] = "expected a number, not {got}"
    got: str


@mistake
class NotAValue(Diagnostic):
    code: ClassVar[str] = "not-a-value"
    title: ClassVar[str] = "{got} is not a value here"
    got: str


def evaluate(context: Context, scope: Scope, value: tree.Value) -> Value:
    """The value of a piece of the tree: a number, a boolean, or a word or string.

    A word that no name stands for is itself. Raises Told.
    """
    match value:
        case tree.Number():
            return _bounded(context, value.value, value.span)
        case tree.Text():
            return value.value
        case tree.Name():
            return _named(context, scope, value)
        case tree.Unary(op="-"):
            return -number(context, scope, value.operand)
        case tree.Binary(op="+" | "-" | "*" | "/" | "//" | "^"):
            return _arithmetic(context, scope, value)
    if isinstance(value, tree.Call) and context.registry.find("schedule", value.name):
        raise context.refuse(ScheduleOutOfPlace(span=value.span, name=value.name))
    raise context.refuse(NotAValue(span=value.span, got=describe_tree(value)))


def number(context: Context, scope: Scope, value: tree.Value) -> Number:
    """The value of a piece of the tree that must be a number. Raises Told."""
    result = evaluate(context, scope, value)
    if is_number(result):
        assert isinstance(result, int | float)
        return result
    if isinstance(value, tree.Name) and scope.find(value.text) is None and value.text not in WORDS:
        raise context.refuse(unknown_value(scope, value))
    raise context.refuse(NotANumber(span=value.span, got=describe(result), notes=definition(scope, value)))


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def unknown_value(scope: Scope, name: tree.Name) -> UnknownName | OtherForm:
    if (plain := name.text.lower()) in WORDS:  # True, FALSE
        return OtherForm(span=name.span, written=name.text, mend=plain)
    return UnknownName(
        span=name.span, kind="name", name=name.text, similar=nearest(name.text, scope.values())
    )


def definition(scope: Scope, value: tree.Value) -> tuple[Note, ...]:
    """Where the name was defined, as a note, if the value is a name."""
    found = scope.find(value.text) if isinstance(value, tree.Name) else None
    return (Note(f"`{value.text}` is defined here", found.span),) if found else ()  # type: ignore[union-attr]


def describe(value: Value) -> str:
    """A value with its type, for messages."""
    match value:
        case bool():
            return f"`{show_value(value)}`"
        case int() | float():
            return show_value(value)
        case str():
            return f'"{value}"' if not value.isidentifier() else f"the word `{value}`"
    return "nothing"


def describe_tree(value: tree.Value) -> str:
    """What a piece of the tree is, for messages."""
    match value:
        case tree.Call():
            return f"`{value.name}(…)`"
        case tree.List():
            return "a list in brackets"
        case tree.Times():
            return f"`{value.span.text}`"
        case tree.Range():
            return "a range"
        case tree.Binary():
            return "a comparison"
        case _:
            return f"`{value.span.text}`"


def _named(context: Context, scope: Scope, name: tree.Name) -> Value:
    found = scope.find(name.text)
    if found is None:
        return WORDS.get(name.text, name.text)
    match found.meaning:
        case Lost():
            raise Told()
        case Wire():
            raise context.refuse(NotAValue(span=name.span, got=f"the node `{name.text}`"))
        case meaning:
            return meaning


def _arithmetic(context: Context, scope: Scope, value: tree.Binary) -> Number:
    left = context.attempt(number, context, scope, value.left)
    right = number(context, scope, value.right)
    if left is None:
        raise Told()
    if value.op in ("/", "//") and right == 0:
        raise context.refuse(DivisionByZero(span=value.right.span))
    return _bounded(context, _applied(context, value, left, right), value.span)


def _applied(context: Context, value: tree.Binary, left: Number, right: Number) -> Number:
    try:
        if value.op == "^":
            return _power(context, value, left, right)
        return OPERATIONS[value.op](left, right)
    except OverflowError:
        raise context.refuse(NumberTooLarge(span=value.span)) from None


def _power(context: Context, value: tree.Binary, base: Number, exponent: Number) -> Number:
    if base == 0 and exponent < 0:
        raise context.refuse(DivisionByZero(span=value.left.span))
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent >= 64:
        raise context.refuse(NumberTooLarge(span=value.span))
    result = base**exponent
    if isinstance(result, complex):
        raise context.refuse(
            NoRealValue(span=value.span, base=show_value(base), exponent=show_value(exponent))
        )
    return result


def _quotient(left: Number, right: Number) -> Number:
    """Whole where it comes out whole: 44 / 2 is 22."""
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


def _bounded(context: Context, value: Number, span: Span) -> Number:
    if abs(value) > LARGEST if isinstance(value, int) else not isfinite(value):
        raise context.refuse(NumberTooLarge(span=span))
    return value


OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": _quotient,
    "//": lambda left, right: left // right,
}
