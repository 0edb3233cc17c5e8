"""The expression: one immutable node for each distinct operation on distinct operands.

Nodes are shared: building the same expression twice gives the same object, so equality is identity and a
graph with much sharing stays cheap. Order by `walk`, never by a set's order, which differs between runs.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING, Any, Union

from deltaplan.diagnostics import PluginError
from deltaplan.plugins.expressions.errors import (
    BranchOnSymbol,
    NotAnExpression,
    StructuralEquality,
    SymbolAsNumber,
)
from deltaplan.plugins.expressions.floats import FLOATS
from deltaplan.plugins.expressions.ops import CONDITIONS, LOGIC, REDUCTIONS, Op
from deltaplan.records import dataclass

if TYPE_CHECKING:
    from deltaplan.plugins.expressions.opaque import Opaque

Number = Union["Expr", float, int, bool]

_Infix = Callable[["Expr", Number], "Expr"]
_Key = tuple[Op, tuple[int, ...], str | None, str | None, bool, int]
_known: "weakref.WeakValueDictionary[_Key, Expr]" = weakref.WeakValueDictionary()
_lock = threading.RLock()


def _infix(op: Op) -> tuple[_Infix, _Infix]:
    """The operator with the expression on its left, and on its right."""
    return (lambda a, b: node(op, a, b)), (lambda a, b: node(op, b, a))


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False, weakref_slot=True)
class Expr:
    """An operation with its operands; CONST has a value, ARG a name, CALL its function and that one's name.

    `scalar` tells the kind: one number for all elements (constants, parameters, reductions and what is made
    of these), else a number for each element. Scalars broadcast. `Expr(...)` takes the parts as they are;
    `node(...)` and the operators simplify.
    """

    op: Op
    args: tuple["Expr", ...] = ()
    value: float | None = None
    name: str | None = None
    scalar: bool = field(default=True)
    function: "Opaque | None" = None

    def __new__(
        cls,
        op: Op,
        args: tuple["Expr", ...] = (),
        value: float | None = None,
        name: str | None = None,
        scalar: bool = True,
        function: "Opaque | None" = None,
    ) -> "Expr":
        if op is not Op.ARG:
            scalar = op in REDUCTIONS or False not in [a.scalar for a in args]
        key = (op, tuple(map(id, args)), None if value is None else value.hex(), name, scalar, id(function))
        if (found := _known.get(key)) is not None:
            return found
        with _lock:
            found = _known.get(key)
            if found is None:
                found = object.__new__(cls)
                for put, part in zip(_puts(), (op, args, value, name, scalar, function), strict=True):
                    put(found, part)
                _known[key] = found
            return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Expr, (self.op, self.args, self.value, self.name, self.scalar, self.function)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | float):
            raise PluginError(StructuralEquality())
        return self is other

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        from deltaplan.plugins.expressions.text import to_text

        return to_text(self)

    def __bool__(self) -> bool:
        raise PluginError(BranchOnSymbol())

    def __float__(self) -> float:
        raise PluginError(SymbolAsNumber())

    def __iter__(self) -> Iterator["Expr"]:
        raise PluginError(SymbolAsNumber())

    def __neg__(self) -> "Expr":
        return node(Op.NEG, self)

    def __pos__(self) -> "Expr":
        return self

    def __abs__(self) -> "Expr":
        return node(Op.ABS, self)

    __add__, __radd__ = _infix(Op.ADD)
    __sub__, __rsub__ = _infix(Op.SUB)
    __mul__, __rmul__ = _infix(Op.MUL)
    __truediv__, __rtruediv__ = _infix(Op.DIV)
    __pow__, __rpow__ = _infix(Op.POW)
    __gt__, __lt__ = _infix(Op.GT)
    __ge__, __le__ = _infix(Op.GE)
    __and__, __rand__ = _infix(Op.AND)
    __or__, __ror__ = _infix(Op.OR)

    def __invert__(self) -> "Expr":
        return node(Op.NOT, self)


_SLOTS = ("op", "args", "value", "name", "scalar", "function")


@cache
def _puts() -> tuple[Callable[[Expr, object], None], ...]:
    """What sets each slot of a new expression, which is frozen."""
    return tuple(getattr(Expr, slot).__set__ for slot in _SLOTS)


def const(value: float) -> Expr:
    """A number, the same for all elements."""
    try:
        return Expr(Op.CONST, value=float(value))
    except (TypeError, ValueError, OverflowError):
        raise PluginError(NotAnExpression(what=f"`{value!r:.60}`")) from None


def argument(name: str, scalar: bool = False) -> Expr:
    """A symbol: an element of a tensor, or with `scalar` one number for all elements."""
    return Expr(Op.ARG, name=name, scalar=scalar)


ZERO, ONE = const(0), const(1)


def lift(value: Number) -> Expr:
    """The expression of a number; an expression as it is."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, int | float):
        return const(value)
    raise PluginError(NotAnExpression(what=f"`{value!r:.60}`"))


def again(old: Expr, args: tuple[Expr, ...]) -> Expr:
    """The operation of a node on other operands."""
    if old.op is Op.CALL:
        return Expr(old.op, args, name=old.name, function=old.function)
    return node(old.op, *args)


def is_const(expr: Expr, value: float) -> bool:
    return expr.op is Op.CONST and expr.value == value


def as_condition(expr: Expr) -> Expr:
    """A number is true unless it is 0."""
    if expr.op in CONDITIONS:
        return expr
    if expr.op is Op.WHERE and expr.args[1:] == (ONE, ZERO):
        return expr.args[0]
    return node(Op.NOT, node(Op.EQ, expr, ZERO))


def as_number(expr: Expr) -> Expr:
    """A condition is 1 or 0."""
    return node(Op.WHERE, expr, ONE, ZERO) if expr.op in CONDITIONS else expr


def node(op: Op, *operands: Number) -> Expr:
    """The operation on these operands in its simplest form that has the same value for every input.

    One liberty is taken: 0·e is 0, so what a derivative leaves out is left out for good.
    """
    args = _of_right_type(op, tuple(map(lift, operands)))
    if op in FLOATS and all(a.op is Op.CONST for a in args):
        return const(FLOATS[op](*(a.value for a in args)))
    simpler = SIMPLER[op](*args) if op in SIMPLER else None
    return Expr(op, args) if simpler is None else simpler


def _of_right_type(op: Op, args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    if op in LOGIC:
        return tuple(a if a.op is Op.CONST else as_condition(a) for a in args)
    if op is Op.WHERE and args[0].op is not Op.CONST:
        return (as_condition(args[0]), as_number(args[1]), as_number(args[2]))
    return tuple(map(as_number, args)) if op is not Op.WHERE else args


def _neg(u: Expr) -> Expr | None:
    if u.op is Op.SUB:
        return u.args[1] - u.args[0]
    return u.args[0] if u.op is Op.NEG else None


def _add(a: Expr, b: Expr) -> Expr | None:
    if is_const(a, 0):
        return b
    if is_const(b, 0):
        return a
    if a is b:
        return 2 * a
    if b.op is Op.NEG:
        return a - b.args[0]
    if a.op is Op.NEG:
        return b - a.args[0]
    return _merged(Op.ADD, a, b)


def _sub(a: Expr, b: Expr) -> Expr | None:
    if is_const(b, 0):
        return a
    if is_const(a, 0):
        return -b
    if b.op is Op.NEG:
        return a + b.args[0]
    return _merged(Op.SUB, a, b)


def _merged(op: Op, a: Expr, b: Expr) -> Expr | None:
    """where(c, p, q) ± where(c, r, s) = where(c, p ± r, q ± s)"""
    if a.op is Op.WHERE and b.op is Op.WHERE and a.args[0] is b.args[0]:
        (c, p, q), (_, r, s) = a.args, b.args
        return node(Op.WHERE, c, node(op, p, r), node(op, q, s))
    return None


def _mul(a: Expr, b: Expr) -> Expr | None:
    if is_const(a, 0) or is_const(b, 0):
        return ZERO
    for one, other in ((a, b), (b, a)):
        if is_const(one, 1):
            return other
        if is_const(one, -1):
            return -other
        if one.op is Op.NEG:
            return -(one.args[0] * other) if one is a else -(other * one.args[0])
    doubled = _double_angle(a, b)
    return _double_angle(b, a) if doubled is None else doubled


def _double_angle(wave: Expr, other: Expr) -> Expr | None:
    """sin(v)·cos(v)·e = sin(2v)·e/2: one wave in place of two, whose range is that of the product."""
    if wave.op not in PARTNERS:
        return None
    v, rest = wave.args[0], _without(Expr(PARTNERS[wave.op], wave.args), other)
    return None if rest is None else rest * 0.5 * node(Op.SIN, _twice(v))


def _without(factor: Expr, product: Expr, depth: int = 4) -> Expr | None:
    """The product without one of its outer factors; None where that is not among them."""
    if product is factor:
        return ONE
    if product.op is not Op.MUL or depth == 0:
        return None
    a, b = product.args
    if (rest := _without(factor, a, depth - 1)) is not None:
        return rest * b
    return None if (rest := _without(factor, b, depth - 1)) is None else a * rest


def _twice(u: Expr) -> Expr:
    """2u; twice c·v is (2c)·v."""
    if u.op is Op.MUL and u.args[0].op is Op.CONST:
        return 2 * u.args[0] * u.args[1]
    return 2 * u


def _div(a: Expr, b: Expr) -> Expr | None:
    if is_const(b, 1):
        return a
    if is_const(b, -1):
        return -a
    if a.op is Op.NEG:
        return -(a.args[0] / b)
    return -(a / b.args[0]) if b.op is Op.NEG else _quotient_of_powers(a, b)


def _quotient_of_powers(a: Expr, b: Expr) -> Expr | None:
    """a/(1 + eᵛ) = a·sigmoid(−v), eᵛ/(1 + eᵛ) = sigmoid(v) and (eᵛ − e⁻ᵛ)/(eᵛ + e⁻ᵛ) = tanh(v): as they are
    written, eᵛ overflows, and the derivative is ∞/∞."""
    if b.op is not Op.ADD or (b.args[1].op is not Op.EXP and b.args[0].op is not Op.EXP):
        return None
    one, power = b.args if b.args[1].op is Op.EXP else b.args[::-1]
    v = power.args[0]
    if is_const(one, 1):
        return node(Op.SIGMOID, v) if a is power else a * node(Op.SIGMOID, -v)
    if one.op is Op.EXP and one.args[0] is -v and a.op is Op.SUB and set(a.args) == set(b.args):
        return node(Op.TANH, a.args[0].args[0])
    return None


def _pow(u: Expr, n: Expr) -> Expr | None:
    if is_const(n, 0) or is_const(u, 1):
        return ONE
    return u if is_const(n, 1) else None


def _abs(u: Expr) -> Expr | None:
    if u.op is Op.NEG:
        return abs(u.args[0])
    return u if u.op is Op.ABS else None


def _not(c: Expr) -> Expr | None:
    return c.args[0] if c.op is Op.NOT else None


def _and(c: Expr, d: Expr) -> Expr | None:
    if is_const(c, 0) or is_const(d, 0):
        return ZERO
    return d if c.op is Op.CONST or c is d else c if d.op is Op.CONST else None


def _or(c: Expr, d: Expr) -> Expr | None:
    if is_const(c, 0) or (c is d):
        return d
    if is_const(d, 0):
        return c
    return ONE if Op.CONST in (c.op, d.op) or c is ~d else None


def _where(c: Expr, a: Expr, b: Expr) -> Expr | None:
    if c.op is Op.CONST:
        return b if c.value == 0 else a
    if a is b:
        return a
    if c.op is Op.NOT:
        return node(Op.WHERE, c.args[0], b, a)
    inner_a = a.args[1] if a.op is Op.WHERE and a.args[0] is c else a
    inner_b = b.args[2] if b.op is Op.WHERE and b.args[0] is c else b
    return None if (inner_a, inner_b) == (a, b) else node(Op.WHERE, c, inner_a, inner_b)


def _same(a: Expr, b: Expr) -> Expr | None:
    return a if a is b else None


def _of_scalar(u: Expr, *_: Expr) -> Expr | None:
    return u if u.scalar else None  # the mean, the largest, any one of equal numbers


PARTNERS = {Op.SIN: Op.COS, Op.COS: Op.SIN}
SIMPLER: dict[Op, Callable[..., Expr | None]] = {
    Op.NEG: _neg,
    Op.ADD: _add,
    Op.SUB: _sub,
    Op.MUL: _mul,
    Op.DIV: _div,
    Op.POW: _pow,
    Op.ABS: _abs,
    Op.NOT: _not,
    Op.AND: _and,
    Op.OR: _or,
    Op.WHERE: _where,
    Op.MAX: _same,
    Op.MIN: _same,
    Op.MEAN: _of_scalar,
    Op.AMAX: _of_scalar,
    Op.PICK: _of_scalar,
}
