"""Scalar factors of vectors put into one, so that an update has fewer passes over its vectors."""

from collections.abc import Mapping
from dataclasses import replace

from deltaplan.compiler.optimize import Update, UpdatePart, hoisted, mapped, names_of, values_of
from deltaplan.plugins.expressions import Expr, Op, argument, const, node, substitute, walk

ONE = const(1.0)
Parts = tuple[Expr, Expr]  # a scalar and what it multiplies


def with_factors(update: Update) -> Update:
    """The update with the scalar factors of each product as one scalar, evaluated once a step."""
    formulas = [_formula(update, part) for part in update.parts]
    scalars = hoisted(*formulas)
    names = dict(zip(scalars, names_of(scalars, {"w", "g", *update.states}), strict=True))
    parts = tuple(
        replace(part, step=mapped(new, part.end - part.begin, names, part.step.origin))
        for part, new in zip(update.parts, formulas, strict=True)
    )
    return replace(update, parts=parts, scalars=values_of(names))


def _formula(update: Update, part: UpdatePart) -> dict[str, Expr]:
    """The new values over `w`, `g` and the states, the scalars in place of their names."""
    values: dict[str, Expr] = {}
    for number, tensor in enumerate(part.step.inputs):
        vector = argument("w" if tensor.name == "θ" else tensor.name)
        values[f"x{number}"] = update.scalars.get(tensor, vector)
    expressions = (gathered(substitute(e, values)) for e in part.step.expressions)
    return dict(zip(update.writes, expressions, strict=True))


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
