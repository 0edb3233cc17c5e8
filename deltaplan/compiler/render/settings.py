"""Lines of `data` and `train` that the writer left out."""

from collections.abc import Iterable

from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.experiment import DataSpec, Split, TrainSpec
from deltaplan.compiler.render.given import value_tree
from deltaplan.diagnostics import Span
from deltaplan.dsl import tree
from deltaplan.dsl.numbers import number_value
from deltaplan.plugins.contracts import Value


def unstated_train(train: TrainSpec) -> tuple[tree.Line, ...]:
    """`batch full`, `seed 0` and so on, where the file does not say it."""
    values: dict[str, Value] = {
        train.unit: train.length,
        "batch": "full" if train.batch is None else train.batch,
        "seed": train.seed,
        "precision": train.precision,
        "keep": train.keep,
        "only": "parameters",
    }
    unstated = [head for head, origin in train.origin.items() if origin == "default"]
    return tuple(_line(head, (value_tree(values[head], train.span),), train.span) for head in unstated)


def unstated_data(data: DataSpec) -> tuple[tree.Line, ...]:
    """`split train=100% seed=0`, where the file has no `split`."""
    if data.split.span:
        return ()
    return (_line("split", split_items((), data.split, data.span), data.span),)


def split_items(items: Iterable[Item], split: Split, span: Span) -> tuple[Item, ...]:
    """The items of a `split` with the part that trains, the seed and all else that it leaves to defaults."""
    items = tuple(items)
    values: dict[str, tree.Value] = {
        "train": fraction(split.train, span),
        "seed": value_tree(split.seed, span),
        "order": value_tree("random", span),
        "fold": value_tree(split.fold, span),
    }
    unstated = unstated_split(items, split)
    first = [_option(name, values[name], span) for name in unstated if name == "train"]
    return (*first, *items, *(_option(name, values[name], span) for name in unstated if name != "train"))


def unstated_split(items: Iterable[Item], split: Split) -> list[str]:
    """The options that have a value though the line does not give it, in their order."""
    keys = {i.key.text for i in items if isinstance(i, tree.Option) and isinstance(i.key, tree.Name)}
    said = {"train": not split.folds, "seed": not split.in_time, "order": True, "fold": split.folds > 0}
    return [name for name, holds in said.items() if holds and name not in keys]


def fraction(value: float, span: Span) -> tree.Number:
    """As a percentage, where it reads back as the same number."""
    text = f"{100 * value:.12g}%"
    exact = "e" not in text and number_value(text) == value
    return tree.Number(value, text if exact else "", span)


def _option(name: str, value: tree.Value, span: Span) -> tree.Option:
    return tree.Option(tree.Name(name, span), value, span)


def _line(head: str, items: tuple[Item, ...], span: Span) -> tree.Line:
    return tree.Line(None, tree.Name(head, span), items, (), None, span, comment="default")
