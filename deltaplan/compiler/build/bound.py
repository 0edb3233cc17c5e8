"""What a line or a call was given, while it is read."""

from dataclasses import field

from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.nodes import Setting, Use
from deltaplan.diagnostics import Span
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Value
from deltaplan.records import dataclass

Item = tree.Value | tree.Values | tree.Option


@dataclass(frozen=True, slots=True)
class Word:
    """A word or call that fills no slot: an activation, or a mistake. A param stands for its word."""

    text: str
    item: tree.Value
    span: Span


@dataclass(slots=True)
class Bound:
    """What was given: values by slot, lists for slots with `many` and for numbers, schedules, where each
    stands, and the other words.

    `named` is set by an option: no value may come after one. `unclear` is set by a mistake that may have been
    meant as a value: then none is said to be missing.
    """

    values: dict[str, Value] = field(default_factory=dict)
    lists: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    trees: dict[str, tree.Value] = field(default_factory=dict)
    schedules: dict[str, Use] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    complete: bool = True
    named: bool = False
    unclear: bool = False

    @property
    def settings(self) -> dict[str, Setting]:
        """What a call gives its contribution."""
        numbers = {name: tuple(float(str(v)) for v in values) for name, values in self.lists.items()}
        return {**self.values, **numbers, **self.schedules}


def as_word(scope: Scope, item: tree.Value) -> Word | None:
    """The item as a word, if it is one: a name that stands for no number, a call, or a multiple of these."""
    match item:
        case tree.Name():
            found = scope.find(item.text)
            if found is None or isinstance(found.meaning, str):
                return Word(item.text if found is None else str(found.meaning), item, item.span)
        case tree.Call():
            return Word(item.name, item, item.name_span)
        case tree.Binary(op="*" | "/"):
            inner = as_word(scope, item.left) or as_word(scope, item.right)
            return inner and Word(inner.text, item, inner.span)
    return None
