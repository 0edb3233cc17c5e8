"""Class weights that were left to the data, as the numbers that they are."""

from collections.abc import Mapping
from dataclasses import replace

from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.weights import BALANCED, WEIGHTS
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Loss
from deltaplan.compiler.render.given import value_tree
from deltaplan.compiler.render.looked_up import Place, place
from deltaplan.dsl import tree

Weights = Mapping[Place, tuple[float, ...]]


def weights_of(experiment: Experiment) -> Weights:
    """The weights of each loss by its place in the text."""
    return {place(loss.use.span): loss.weights for loss in experiment.graph.of(Loss) if loss.weights}


def with_weights(known: Weights, item: Item) -> Item:
    """The item with `weights=balanced` written out."""
    match item:
        case tree.Values():
            return item
        case tree.Option():
            return replace(item, value=_value(known, item.value))
        case _:
            return _value(known, item)


def _value(known: Weights, value: tree.Value) -> tree.Value:
    match value:
        case tree.Binary():
            return replace(value, left=_value(known, value.left), right=_value(known, value.right))
        case tree.Call():
            weights = known.get(place(value.span), ())
            return replace(
                value,
                items=tuple(_argument(known, weights, item) for item in value.items),
                after=tuple(_argument(known, weights, item) for item in value.after),
            )
    return value


def _argument(
    known: Weights, weights: tuple[float, ...], item: tree.Value | tree.Option
) -> tree.Value | tree.Option:
    if not isinstance(item, tree.Option):
        return _value(known, item)
    if weights and item.key.span.text == WEIGHTS and item.value.span.text == BALANCED:
        numbers = tuple(value_tree(weight, item.span) for weight in weights)
        return replace(item, value=tree.List(numbers, item.value.span))
    return item
