"""The tables' rows: what a line or a call takes, of which type and within which bounds."""

from typing import Literal

from deltaplan.plugins import contracts
from deltaplan.plugins.contracts import Value
from deltaplan.records import dataclass

Type = Literal["number", "whole", "size", "sides", "boolean", "word", "text", "switch", "tree", "numbers"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that a line or a call takes.

    A `positional` one may stand without its name; one with `many` takes a list with repeats. What is neither
    required nor has a default is left out where it is not given. A `switch` is boolean or one of its choices;
    `sides` are whole numbers, `3x5`, or one of its choices; a `tree` is kept as it was written; `numbers` are
    a list. Where `scheduled`, a schedule may stand for the number.
    """

    name: str
    type: Type
    default: Value = None
    required: bool = False
    positional: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """The slots of one kind of line or call, as `owner` is known to the writer.

    `by_name` says whether positional slots may be given by name as well; `words` are those that the line
    takes beside its slots.
    """

    owner: str
    kind: str
    slots: tuple[Slot, ...]
    by_name: bool = True
    words: frozenset[str] = frozenset()

    def slot(self, name: str) -> Slot | None:
        return next((slot for slot in self.slots if slot.name == name), None)


SCHEDULED = (contracts.Optimizer, contracts.Schedule)


def of_parameters(
    contract: contracts.Contribution, kind: str, *extra: Slot, length: int | None = None
) -> Form:
    """The form of a call such as `adam(lr=1e-2)`; `length` is that of the run, where it is known."""
    slots = tuple(
        Slot(
            p.name,
            "number" if p.type == "length" else p.type,
            length if p.type == "length" else p.default,
            required=p.required,
            positional=True,
            minimum=p.minimum,
            above=p.above,
            maximum=p.maximum,
            below=p.below,
            scheduled=p.type == "number" and isinstance(contract, SCHEDULED),
        )
        for p in contract.parameters
    )
    return Form(contract.name, kind, slots + extra)


def of_attributes(
    name: str, kind: str, attributes: tuple[contracts.Attribute, ...], many: bool, *extra: Slot
) -> Form:
    """The form of a line such as `dense 45x5, 1`; with `many`, its first positional value takes a list, but
    not of sides: `max_pool 2x2`."""
    first = next((a.name for a in attributes if a.positional and a.type != "sides"), None) if many else None
    slots = tuple(
        Slot(
            a.name,
            a.type,
            a.default,
            required=a.required,
            positional=a.positional,
            many=a.name == first,
            choices=a.choices,
            minimum=a.minimum,
            above=a.above,
            maximum=a.maximum,
            below=a.below,
        )
        for a in attributes
    )
    return Form(name, kind, slots + extra, by_name=False)
