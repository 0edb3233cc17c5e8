"""Scalar factors of vectors put into one, so that an update has fewer passes over its vectors."""

from collections.abc import Mapping

from deltaplan.plugins.expressions import Expr, Op, const, node, walk

ONE = const(1.0)
Parts = tuple[Expr, Expr]  # a scalar and what it multiplies


def gathered(expression: Expr) -> Expr:
    """The expression with c·(u/s)·… as (c/s)·u…: equal up to round-off."""
    parts: dict[Expr, Parts] = {}
    for found in walk(expression):
        parts[found] = _parts(found, parts)
    return _product(parts[expression])


def _parts(expression: Expr, parts: Mapping[Expr, Parts]) -> Parts:
    if expression.scalar:
        return expression, ONE
    match expression.op, [parts[a] for a in expression.args]:
        case Op.MUL, [(s, u), (t, v)]:
            return s * t, u * v
        case Op.DIV, [(s, u), (t, v)]:
            return s / t, u / v
        case _, []:
            return ONE, expression
        case _, operands:
            return ONE, node(expression.op, *map(_product, operands))


def _product(parts: Parts) -> Expr:
    scalar, rest = parts
    return scalar * rest
