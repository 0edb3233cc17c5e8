"""The mathematics of a definition, from the tree to an expression: `u + sin(a*u)^2 / a`."""

from collections.abc import Callable, Iterator, Mapping
from math import inf, pi
from typing import Any, ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.values import NotAValue, describe_tree
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.dsl import tree, value_text
from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import Expr
from deltaplan.records import dataclass

MOST_OPERATIONS = 1_000  # of one definition; a derivative may be many times as long


@mistake
class WrongCount(Diagnostic):
    code: ClassVar[str] = "wrong-count"
    title: ClassVar[str] = "`{name}` takes {count}, and is given {given}"
    name: str
    count: str
    given: str


@mistake
class TooManyOperations(Diagnostic):
    code: ClassVar[str] = "too-many-operations"
    title: ClassVar[str] = "a definition of {count:,} operations; at most {limit:,} are compiled"
    count: int
    limit: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the expression language, and how many values it takes."""

    make: Callable[..., Expr]
    count: int


FUNCTIONS: Mapping[str, Function] = {
    **{
        made.__name__: Function(made, 1)
        for made in (
            *(ex.exp, ex.expm1, ex.log, ex.log1p, ex.sqrt, ex.sin, ex.cos, ex.tanh, ex.sinh, ex.cosh),
            *(ex.sigmoid, ex.softplus, ex.erf, ex.abs, ex.sign, ex.sum, ex.mean, ex.amax, ex.logsumexp),
            ex.spectral_norm,
        )
    },
    **{
        made.__name__: Function(made, 2)
        for made in (ex.logaddexp, ex.maximum, ex.minimum, ex.pick, ex.equal, ex.unequal)
    },
    "where": Function(ex.where, 3),
    "and": Function(lambda a, b: a & b, 2),
    "or": Function(lambda a, b: a | b, 2),
    "not": Function(lambda a: ~a, 1),
}
CONSTANTS = {"pi": ex.const(pi), "inf": ex.const(inf)}
OPERATORS: Mapping[str, Callable[[Expr, Expr], Expr]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": ex.equal,
    "!=": ex.unequal,
}


def expression(context: Context, known: Mapping[str, Expr], value: tree.Value) -> Expr:
    """The number that a piece of the tree stands for; `known` are the names that it may use. Raises Told."""
    count = sum(1 for _ in _pieces(value))
    if count > MOST_OPERATIONS:
        raise context.refuse(TooManyOperations(span=value.span, count=count, limit=MOST_OPERATIONS))
    found = _made(context, known, value)
    return ex.where(found, 1, 0) if found.op in ex.CONDITIONS else found


def names_in(value: tree.Value) -> frozenset[str]:
    """The names that stand in a piece of the tree."""
    return frozenset(piece.text for piece in _pieces(value) if isinstance(piece, tree.Name))


def _made(context: Context, known: Mapping[str, Expr], value: tree.Value) -> Expr:
    match value:
        case tree.Number():
            return ex.const(value.value)
        case tree.Name():
            return _named(context, known, value)
        case tree.Unary(op="-"):
            return -_made(context, known, value.operand)
        case tree.Binary(op=op) if op in OPERATORS:
            left, right = _all_made(context, known, (value.left, value.right))
            return OPERATORS[op](left, right)
        case tree.Call():
            return _applied(context, known, value)
        case tree.Binary(op="//"):
            raise context.refuse(NotAValue(span=value.span, got="a whole quotient"))
        case tree.Times(factors=factors):
            mend = "*".join(map(value_text, factors))
            raise context.refuse(OtherForm(span=value.span, written=value.span.text, mend=mend))
    raise context.refuse(NotAValue(span=value.span, got=describe_tree(value)))


def _all_made(context: Context, known: Mapping[str, Expr], values: Any) -> list[Expr]:
    """Each of some pieces: the mistakes of all of them are told. Raises Told."""
    found = [context.attempt(_made, context, known, value) for value in values]
    if None in found:
        raise Told
    return [each for each in found if each is not None]


def _named(context: Context, known: Mapping[str, Expr], name: tree.Name) -> Expr:
    found = known.get(name.text, CONSTANTS.get(name.text))
    if found is not None:
        return found
    if name.text in FUNCTIONS:
        count = _counted(FUNCTIONS[name.text].count)
        raise context.refuse(WrongCount(span=name.span, name=name.text, count=count, given="none"))
    notes = (Note("a definition knows its own names alone: its parameters stand behind `;`"),)
    raise unknown(context, "name", name.text, name.span, (*known, *CONSTANTS), list_known=True, notes=notes)


def _applied(context: Context, known: Mapping[str, Expr], call: tree.Call) -> Expr:
    function = FUNCTIONS.get(call.name)
    if function is None:
        raise unknown(context, "function", call.name, call.name_span, FUNCTIONS)
    given = (*call.items, *call.after)
    for item in given:
        if isinstance(item, tree.Option):
            raise context.refuse(NotAValue(span=item.span, got=f"`{item.span.text}`"))
    made = _all_made(context, known, given)
    if len(made) != function.count:
        count, got = _counted(function.count), _counted(len(made))
        raise context.refuse(WrongCount(span=call.span, name=call.name, count=count, given=got))
    return function.make(*made)


def _counted(count: int) -> str:
    return {0: "none", 1: "one value"}.get(count, f"{count} values")


def _pieces(value: tree.Value | tree.Option) -> Iterator[tree.Value | tree.Option]:
    yield value
    match value:
        case tree.Unary(operand=operand):
            yield from _pieces(operand)
        case tree.Binary(left=left, right=right):
            yield from _pieces(left)
            yield from _pieces(right)
        case tree.Call(items=items, after=after):
            for item in (*items, *after):
                yield from _pieces(item)
