"""Class weights: the loss of a sample, or of each answer of yes or no, times a number that its class has."""

from collections.abc import Sequence

from deltaplan.compiler.nodes import Loss
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr, argument, const, equal, node, where
from deltaplan.plugins.expressions import sum as total
from deltaplan.plugins.expressions.ops import REDUCTIONS, Op

HALF = 0.5  # what lies above is yes, of 0 and 1 as of -1 and 1
NO, YES = "%no", "%yes"  # the weights of several answers that differ, as tensors


def weighed(loss: Loss, answers: int) -> Expr:
    """factor · w(y) · L(u, y), of the arguments `u` and `y`, and where each of several answers has weights of
    its own also of `%no` and `%yes`. Of several answers each is weighed within their sum."""
    expression = loss.expression if loss.factor == 1 else loss.factor * loss.expression
    if not loss.weights:
        return expression
    if is_of_classes(loss):
        return _by_class(argument("y", scalar=True), loss.weights) * expression
    no, yes = loss.weights if len(loss.weights) == 2 else (argument(NO), argument(YES))
    weight = where(argument("y") > HALF, yes, no)
    return within(expression, weight) if answers > 1 else total(weight) * expression


def with_symbol(loss: Loss, written: Expr, y: str, answers: int) -> Expr:
    """The loss as it is written, with the weights as the symbol w[y]."""
    if not loss.weights:
        return written
    alone = answers == 1 or is_of_classes(loss)
    weight = argument(f"w[{y}]", scalar=alone)
    return weight * written if alone else within(written, weight)


def is_of_classes(loss: Loss) -> bool:
    """Whether its target is a class, and not answers of yes or no."""
    contract = loss.use.contract
    assert isinstance(contract, contracts.Loss)
    return contract.target == "class"


def within(expression: Expr, weight: Expr) -> Expr:
    """Σ e as Σ w·e. NoSumError where the expression is not made of sums over the answers."""
    match expression.op:
        case Op.SUM | Op.MEAN:
            return node(expression.op, weight * expression.args[0])
        case Op.ADD | Op.SUB | Op.NEG:
            return node(expression.op, *(within(part, weight) for part in expression.args))
        case Op.MUL | Op.DIV if factors := [part for part in expression.args if not _has_reduction(part)]:
            return node(
                expression.op,
                *(part if part in factors else within(part, weight) for part in expression.args),
            )
    raise NoSumError


class NoSumError(ValueError):
    """A loss that is no sum over the answers: a single one of them has no share to be weighed."""


def _has_reduction(expression: Expr) -> bool:
    return expression.op in REDUCTIONS or any(_has_reduction(part) for part in expression.args)


def _by_class(y: Expr, weights: Sequence[float]) -> Expr:
    """A choice by halves, so that it is as deep as the logarithm of the number of classes."""
    return _between(y, weights, 0)


def _between(y: Expr, weights: Sequence[float], first: int) -> Expr:
    if len(set(weights)) == 1:
        return const(weights[0])
    if len(weights) == 2:
        return where(equal(y, first), weights[0], weights[1])
    half = len(weights) // 2
    return where(
        y < first + half, _between(y, weights[:half], first), _between(y, weights[half:], first + half)
    )
