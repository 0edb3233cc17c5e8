"""Class weights that were left to the data, as the numbers that they are."""

from collections.abc import Mapping
from dataclasses import replace

from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.weights import BALANCED, WEIGHTS
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Loss
from deltaplan.compiler.render.given import value_tree
from deltaplan.compiler.render.looked_up import Place, place
from deltaplan.compiler.weights import is_of_classes
from deltaplan.diagnostics import Span
from deltaplan.dsl import tree

Weights = Mapping[Place, Loss]


def weights_of(experiment: Experiment) -> Weights:
    """The losses with weights by their places in the text."""
    return {place(loss.use.span): loss for loss in experiment.graph.of(Loss) if loss.weights}


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
            loss = known.get(place(value.span))
            return replace(
                value,
                items=tuple(_argument(known, loss, item) for item in value.items),
                after=tuple(_argument(known, loss, item) for item in value.after),
            )
    return value


def _argument(known: Weights, loss: Loss | None, item: tree.Value | tree.Option) -> tree.Value | tree.Option:
    if not isinstance(item, tree.Option):
        return _value(known, item)
    if loss and item.key.span.text == WEIGHTS and item.value.span.text == BALANCED:
        return replace(item, value=_written(loss, item.value.span))
    return item


def _written(loss: Loss, span: Span) -> tree.List:
    """`[1, 5]`, or a pair for each of several answers."""
    numbers = tuple(value_tree(weight, span) for weight in loss.weights)
    if is_of_classes(loss) or len(numbers) == 2:
        return tree.List(numbers, span)
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return tree.List(tuple(tree.List(pair, span) for pair in pairs), span)
