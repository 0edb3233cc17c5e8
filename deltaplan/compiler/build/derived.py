"""Columns that are made of others: `t^2`, `log(price)`, `sin(3*t)`, `category(zip)`."""

from collections.abc import Callable, Mapping
from operator import add, mul, sub, truediv
from typing import Any, ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.values import NotANumber, describe, describe_tree, evaluate, is_number
from deltaplan.compiler.experiment import Column
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree, value_text
from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import Expr, argument, arguments, lift


@mistake
class NotAColumn(Diagnostic):
    code: ClassVar[str] = "not-a-column"
    title: ClassVar[str] = "`{text}` is not the name of a column"
    help: ClassVar[str] = "a name with spaces or signs stands in quotes"
    text: str


@mistake
class NoColumnInIt(Diagnostic):
    code: ClassVar[str] = "no-column-in-it"
    title: ClassVar[str] = "`{text}` is made of no column"
    text: str


@mistake
class WrongOperands(Diagnostic):
    code: ClassVar[str] = "wrong-operands"
    title: ClassVar[str] = "`{name}` takes {wanted}, not {given}"
    name: str
    wanted: str
    given: str


ONE: Mapping[str, Callable[[Expr], Expr]] = {
    "abs": ex.abs,
    "cos": ex.cos,
    "cosh": ex.cosh,
    "erf": ex.erf,
    "exp": ex.exp,
    "expm1": ex.expm1,
    "log": ex.log,
    "log1p": ex.log1p,
    "sigmoid": ex.sigmoid,
    "sign": ex.sign,
    "sin": ex.sin,
    "sinh": ex.sinh,
    "softplus": ex.softplus,
    "sqrt": ex.sqrt,
    "tanh": ex.tanh,
}
TWO: Mapping[str, Callable[[Expr, Expr], Expr]] = {
    "logaddexp": ex.logaddexp,
    "maximum": ex.maximum,
    "minimum": ex.minimum,
}
OPERATIONS: Mapping[str, Callable[[Any, Any], Expr]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
    "^": pow,
}
CATEGORY = "category"


def derived(context: Context, scope: Scope, value: tree.Value) -> Column:
    """The column that an expression of columns says. Raises Told."""
    if isinstance(value, tree.Call) and value.name == CATEGORY:
        return _category(context, value)
    expression = _expression(context, scope, value)
    if not arguments(expression):
        raise context.refuse(NoColumnInIt(span=value.span, text=value.span.text))
    return Column(value_text(value), value.span, expression)


def _category(context: Context, call: tree.Call) -> Column:
    """`category(zip)`: the numbers of a column are the names of categories."""
    items = call.items + call.after
    if len(items) != 1 or not isinstance(items[0], tree.Name | tree.Text):
        raise context.refuse(_wrong_operands(call, "one column"))
    source = items[0].value if isinstance(items[0], tree.Text) else items[0].text
    return Column(value_text(call), call.span, labels=True, source=source)


def _expression(context: Context, scope: Scope, value: tree.Value) -> Expr:
    match value:
        case tree.Number():
            return _number(context, scope, value)
        case tree.Text(value=name):
            return argument(name)
        case tree.Name():
            return _named(context, scope, value)
        case tree.Unary(op="-"):
            return -_expression(context, scope, value.operand)
        case tree.Binary(op=op) if op in OPERATIONS:
            left = context.attempt(_expression, context, scope, value.left)
            right = _expression(context, scope, value.right)
            if left is None:
                raise Told
            return OPERATIONS[op](left, right)
        case tree.Call():
            return _call(context, scope, value)
    raise context.refuse(NotANumber(span=value.span, got=describe_tree(value)))


def _named(context: Context, scope: Scope, name: tree.Name) -> Expr:
    """A param of that name is its number, any other name a column."""
    if scope.find(name.text) is not None:
        return _number(context, scope, name)
    if "." in name.text:
        raise context.refuse(NotAColumn(span=name.span, text=name.text))
    return argument(name.text)


def _number(context: Context, scope: Scope, value: tree.Value) -> Expr:
    found = evaluate(context, scope, value)
    if not is_number(found):
        raise context.refuse(NotANumber(span=value.span, got=describe(found)))
    assert isinstance(found, int | float)
    return lift(found)


def _call(context: Context, scope: Scope, call: tree.Call) -> Expr:
    items = call.items + call.after
    if call.name not in ONE and call.name not in TWO:
        if call.name in SAME:
            inner = call.span.text[len(call.name) :]
            mend = f"{SAME[call.name]}{inner}"
            raise context.refuse(OtherForm(span=call.span, written=call.span.text, mend=mend))
        known = (*ONE, *TWO, CATEGORY)
        raise unknown(context, "function", call.name, call.name_span, known, list_known=True)
    given = [item for item in items if not isinstance(item, tree.Option)]
    if len(given) != len(items) or len(given) != (1 if call.name in ONE else 2):
        raise context.refuse(_wrong_operands(call, "one value" if call.name in ONE else "two values"))
    found = [context.attempt(_expression, context, scope, value) for value in given]
    operands = [each for each in found if each is not None]
    if len(operands) < len(found):
        raise Told
    return ONE[call.name](*operands) if call.name in ONE else TWO[call.name](*operands)


SAME = {"ln": "log", "max": "maximum", "min": "minimum", "onehot": CATEGORY, "one_hot": CATEGORY}


def _wrong_operands(call: tree.Call, wanted: str) -> WrongOperands:
    given = ", ".join(f"`{item.span.text}`" for item in call.items + call.after) or "nothing"
    return WrongOperands(span=call.span, name=call.name, wanted=wanted, given=given)
