"""Which slots the items of a line or a call fill, and the items with what is missing."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import field

from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.mends import SWITCHES
from deltaplan.diagnostics import Span
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Sides, Value
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """What names stand for here: params with their values, and the arguments of the block around."""

    params: Mapping[str, Value]
    arguments: frozenset[str] = frozenset()

    def word(self, name: str) -> str | None:
        """The word that a name stands for: its own where it is not defined, None where it is a number."""
        if name in self.arguments:
            return None
        value = self.params.get(name, name)
        return value if isinstance(value, str) else None


@dataclass(slots=True)
class Given:
    """The slots that are filled, and how many items lie before the end of the last value."""

    names: set[str] = field(default_factory=set)
    values: int = 0


def given(form: Form, items: Sequence[Item], names: Names, others: Container[int] = ()) -> Given:
    """`others` are the places of items that fill no slot: activations."""
    found = Given()
    for at, item in enumerate(items):
        if at in others:
            continue
        slot = _named(form, item, names)
        if slot is None:
            _fill_next(form, item, found)
            found.values = at + 1
        else:
            found.names.add(slot)
    return found


def _named(form: Form, item: Item, names: Names) -> str | None:
    """The slot of an option, of a switch such as `nesterov`, or of a word that is one of its choices."""
    match item:
        case tree.Option(key=tree.Name(text=text)):
            return text
        case tree.Name(text=text):
            word = names.word(text)
            slot = form.slot(text) if word == text else None
            if slot and slot.type in SWITCHES:
                return text
            return next((s.name for s in form.slots if s.positional and word in s.choices), None)
    return None


def _fill_next(form: Form, item: Item, found: Given) -> None:
    free = [slot for slot in form.slots if slot.positional and slot.name not in found.names]
    count = len(item.items) if isinstance(item, tree.Values) and not (free and free[0].many) else 1
    found.names.update(slot.name for slot in free[:count])


def missing(form: Form, found: Given) -> tuple[Slot, ...]:
    """The slots that are not given and have a default."""
    return tuple(slot for slot in form.slots if slot.name not in found.names and slot.default is not None)


def completed(form: Form, items: Sequence[Item], found: Given, span: Span) -> tuple[Item, ...]:
    """The items of a line with every default; where a value takes no name, it stands among the values."""
    slots = missing(form, found)
    inline = [slot for slot in slots if slot.positional and not form.by_name]
    values = [value_tree(slot.default, span) for slot in inline]
    rest = options((slot for slot in slots if slot not in inline), span)
    return (*items[: found.values], *values, *items[found.values :], *rest)


def options(slots: Iterable[Slot], span: Span) -> tuple[tree.Option, ...]:
    """`name=default` for each."""
    return tuple(tree.Option(tree.Name(s.name, span), value_tree(s.default, span), span) for s in slots)


def value_tree(value: Value, span: Span) -> tree.Value:
    """A number, a boolean or a word as the text would say it."""
    match value:
        case bool():
            return tree.Name("true" if value else "false", span)
        case int() | float():
            return tree.Number(value, "", span)
        case Sides((side,)):
            return tree.Number(side, "", span)
        case Sides():
            return tree.Times(tuple(tree.Number(side, "", span) for side in value), span)
        case _:
            return tree.Name(str(value), span)
