"""Exact derivatives: one rule for each operation, and reverse mode over them.

A rule takes the seed g (the derivative by the node's own value), the node and its operands, and gives what
flows to each operand, None for nothing.
"""

import math
from collections.abc import Callable, Iterable, Sequence

from deltaplan.plugins.expressions.algebra import ONE, ZERO, Expr, Number, is_const, lift
from deltaplan.plugins.expressions.functions import cos, exp, log, sigmoid, sign, sin, tanh, where
from deltaplan.plugins.expressions.opaque import applied
from deltaplan.plugins.expressions.ops import Op
from deltaplan.plugins.expressions.transform import walk

Flow = Expr | None
Rule = Callable[..., tuple[Flow, ...]]

DERIVATIVES: dict[Op, Rule] = {}


def derivative_of(*ops: Op) -> Callable[[Rule], Rule]:
    def keep(rule: Rule) -> Rule:
        DERIVATIVES.update(dict.fromkeys(ops, rule))
        return rule

    return keep


@derivative_of(Op.CONST, Op.ARG)
def _(g: Expr, y: Expr) -> tuple[Flow, ...]:
    return ()


@derivative_of(Op.NEG)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (-g,)


@derivative_of(Op.ADD)
def _(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    return (g, g)


@derivative_of(Op.SUB)
def _(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    return (g, -g)


@derivative_of(Op.MUL)
def _(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    return (b * g, a * g)


@derivative_of(Op.DIV)
def _(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    return (g / b, -(g / b) * y)


@derivative_of(Op.POW)
def _(g: Expr, y: Expr, u: Expr, n: Expr) -> tuple[Flow, ...]:
    return (n * u ** (n - 1) * g, y * log(u) * g)


@derivative_of(Op.EXP)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (y * g,)


@derivative_of(Op.EXPM1)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (exp(u) * g,)  # y + 1 would lose every digit at -40


@derivative_of(Op.LOG)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (g / u,)


@derivative_of(Op.LOG1P)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (g / (1 + u),)


@derivative_of(Op.SQRT)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (where(u > 0, 0.5 * g / y, 0),)  # the subgradient 0 of a norm at 0


@derivative_of(Op.SIN)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (cos(u) * g,)


@derivative_of(Op.COS)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (-sin(u) * g,)


@derivative_of(Op.TANH)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return ((1 - y * y) * g,)


@derivative_of(Op.SIGMOID)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (y * sigmoid(-u) * g,)  # y(1 - y) would be 0 from 37 on


@derivative_of(Op.LOGADDEXP)
def _(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    if b is -a:
        return (tanh(a) * g, None)  # the difference of two sigmoids would lose every digit at 0
    return (sigmoid(a - b) * g, sigmoid(b - a) * g)


@derivative_of(Op.ERF)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (2 / math.sqrt(math.pi) * exp(-(u * u)) * g,)


@derivative_of(Op.ABS)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (sign(u) * g,)


@derivative_of(Op.SIGN, Op.NOT)
def _(g: Expr, y: Expr, u: Expr) -> tuple[Flow, ...]:
    return (None,)


@derivative_of(Op.MAX)
def _(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    return (where(a > b, g, 0), where(a > b, 0, g))


@derivative_of(Op.MIN)
def _(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    return (where(a < b, g, 0), where(a < b, 0, g))


@derivative_of(Op.GT, Op.GE, Op.EQ, Op.AND, Op.OR)
def _(g: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    return (None, None)


@derivative_of(Op.WHERE)
def _(g: Expr, y: Expr, c: Expr, a: Expr, b: Expr) -> tuple[Flow, ...]:
    return (None, where(c, g, 0), where(c, 0, g))


@derivative_of(Op.SUM, Op.MEAN, Op.AMAX, Op.LOGSUMEXP, Op.PICK, Op.SPECTRAL)
def _(g: Expr, y: Expr, *operands: Expr) -> tuple[Flow, ...]:
    raise ValueError(f"{y.op.value} is not elementwise: split_reductions comes before gradient")


def gradient(expr: Expr, names: Sequence[str], seed: Number = 1) -> tuple[Expr, ...]:
    """seed · ∂expr/∂name for each name, of an elementwise expression (reverse mode).

    A choice stays a choice: the seed goes into the branches of `where`, it is never multiplied by a mask, so
    an infinite derivative in the branch not taken does no harm. Put the values of parameters in first: the
    derivative of u^n at u = 0 is right for n = 0 and n = 1 only where the number is known.
    """
    order = _dependent(expr, names)
    flows, reached = {expr: lift(seed)}, dict[Expr, Expr]()
    for y in reversed(order):
        for operand, flow in zip(y.args, _pushed(flows.get(y, ZERO), y, reached), strict=True):
            if flow is not None and operand in order:
                flows[operand] = flows.get(operand, ZERO) + flow
    leaves = {name: [e for e in order if e.name == name] for name in names}
    return tuple(_total(flows.get(e, ZERO) for e in leaves[name]) for name in names)


def derivative(expr: Expr, name: str) -> Expr:
    """∂expr/∂name of an elementwise expression."""
    return gradient(expr, (name,))[0]


def _dependent(expr: Expr, names: Sequence[str]) -> dict[Expr, None]:
    """The nodes that depend on one of the names, operands first."""
    found: dict[Expr, None] = {}
    for e in walk(expr):
        if (e.op is Op.ARG and e.name in names) or any(a in found for a in e.args):
            found[e] = None
    return found


@derivative_of(Op.CALL)
def _(g: Expr, y: Expr, u: Expr, *parameters: Expr) -> tuple[Flow, ...]:
    function = y.function
    assert function is not None
    return (applied(function.slope or function, y.args) * g, *(None for _ in parameters))


def _total(flows: Iterable[Expr]) -> Expr:
    total = ZERO
    for flow in flows:
        total = total + flow
    return total


def _pushed(seed: Expr, y: Expr, reached: dict[Expr, Expr]) -> tuple[Flow, ...]:
    """The rule of y, applied only where the seed is not a symbolic 0: 0 times infinity must not arise."""
    if is_const(seed, 0):
        return (None,) * len(y.args)
    if is_const(_reached(seed, reached), 1):
        return DERIVATIVES[y.op](seed, y, *y.args)
    if seed.op is Op.WHERE:
        c, a, b = seed.args
        taken, other = _pushed(a, y, reached), _pushed(b, y, reached)
        return tuple(_choice(c, p, q) for p, q in zip(taken, other, strict=True))
    return tuple(_choice(reached[seed], flow, None) for flow in DERIVATIVES[y.op](seed, y, *y.args))


def _choice(condition: Expr, a: Flow, b: Flow) -> Flow:
    if a is None and b is None:
        return None
    return where(condition, ZERO if a is None else a, ZERO if b is None else b)


def _reached(seed: Expr, found: dict[Expr, Expr]) -> Expr:
    """The condition that the seed is anything but a symbolic 0; `found` has the parts known by now."""
    for e in walk(seed, below=lambda e: () if e in found else _parts(e)):
        if e in found:
            continue
        match e.op, [found[p] for p in _parts(e)]:
            case Op.WHERE, [a, b]:
                found[e] = (e.args[0] & a) | (~e.args[0] & b)
            case _, [a, b]:
                found[e] = a | b
            case _:
                found[e] = ZERO if is_const(e, 0) else ONE
    return found[seed]


def _parts(seed: Expr) -> tuple[Expr, ...]:
    if seed.op is Op.WHERE:
        return seed.args[1:]
    return seed.args if seed.op in (Op.ADD, Op.SUB) else ()
