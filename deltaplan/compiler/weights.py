"""Class weights: each sample's loss times a number that its class has."""

from collections.abc import Sequence

from deltaplan.compiler.nodes import Loss
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr, argument, const, equal, where
from deltaplan.plugins.expressions import sum as total

HALF = 0.5  # what lies above is yes, of 0 and 1 as of -1 and 1


def weighed(node: Loss) -> Expr:
    """factor · w(y) · L(u, y), of the arguments `u` and `y`."""
    expression = node.expression if node.factor == 1 else node.factor * node.expression
    return weight_of(node) * expression if node.weights else expression


def weight_of(node: Loss) -> Expr:
    """The weight of a sample by its target `y`: the class, or one answer of yes or no."""
    contract = node.use.contract
    assert isinstance(contract, contracts.Loss)
    if contract.target == "class":
        return _by_class(argument("y", scalar=True), node.weights)
    no, yes = node.weights
    return total(where(argument("y") > HALF, yes, no))


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
