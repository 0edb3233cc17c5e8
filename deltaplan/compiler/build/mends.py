"""What is said of items that no slot takes: foreign forms get their mend, words the nearest name."""

from collections.abc import Sequence
from typing import ClassVar

from deltaplan.compiler.build.bound import Bound, Item, Word
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form
from deltaplan.compiler.build.names import OtherForm, ScheduleOutOfPlace, unknown
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.words import APPLIED, FOREIGN, SIZES
from deltaplan.diagnostics import Diagnostic, Note, mistake, nearest
from deltaplan.dsl import tree


@mistake
class NotElementwise(Diagnostic):
    code: ClassVar[str] = "not-elementwise"
    title: ClassVar[str] = "`{name}` is no activation: it looks at all the numbers at once"
    help: ClassVar[str] = "it stands on a line of its own: `apply {name}`"
    name: str


CALLS = frozenset(
    {"activation", "augmentation", "loss", "regularizer", "optimizer", "schedule", "initializer"}
)
HEADS = frozenset({"input", "output", "residual", "repeat", "activation", "concat", "add", "sub", "mul"})
WORDY = ("word", "text", "tree")  # slots that a word can fill
SWITCHES = ("boolean", "switch")  # a bare word turns them on


def other_form(context: Context, scope: Scope, form: Form, pair: Sequence[Item]) -> int:
    """How many of the next items are a wrong form that is told: `kernel 3`, `no bias`, `units 45`."""
    if len(pair) < 2:
        return 0
    first, second = pair
    if not isinstance(first, tree.Name) or isinstance(second, tree.Option) or scope.find(first.text):
        return 0
    mend = _mend(form, first.text, second)
    if mend:
        span = first.span.to(second.span)
        context.refuse(OtherForm(span=span, written=span.text, mend=mend))
        return 2
    if _means_nothing(form, first) and not isinstance(second, tree.Name | tree.Call):
        unknown_word(context, scope, form, Word(first.text, first, first.span))
        return 2
    return 0


def _mend(form: Form, word: str, second: Item) -> str | None:
    """What a word and the item beside it were meant to say."""
    if word.lower() in SIZES and not form.slot(word) and _takes_size(form):
        return f"{form.owner} {second.span.text}"
    if word == "no" and isinstance(second, tree.Name) and form.slot(second.text):
        return f"{second.text}=false"
    name = _slot_name(form, word)
    return f"{name}={second.span.text}" if name else None


def _means_nothing(form: Form, name: tree.Name) -> bool:
    """Whether the word is unknown here, so that a value beside it was meant for it."""
    return (
        form.kind not in CALLS
        and name.text not in form.words
        and form.slot(name.text) is None
        and not any(name.text in s.choices or (s.positional and s.type in WORDY) for s in form.slots)
    )


def _takes_size(form: Form) -> bool:
    return not form.by_name and any(slot.positional and slot.type == "size" for slot in form.slots)


def _slot_name(form: Form, word: str) -> str | None:
    """The slot with a value of its own that a word names, in our words or in another tool's."""
    if word in form.words:
        return None
    name = word if form.slot(word) else FOREIGN.get(word.lower(), word)
    slot = form.slot(name)
    return name if slot and slot.type not in SWITCHES and not slot.positional else None


def unknown_word(context: Context, scope: Scope, form: Form, word: Word) -> Told:
    """What was most likely meant decides what the word is called: an activation, an option, or a value."""
    if context.registry.find("schedule", word.text) and not isinstance(word.item, tree.Name):
        return context.refuse(ScheduleOutOfPlace(span=word.item.span, name=word.text))
    if word.text in APPLIED and form.words:
        return context.refuse(NotElementwise(span=word.span, name=word.text))
    found = scope.find(word.item.text) if isinstance(word.item, tree.Name) else None
    options = [] if found else [slot.name for slot in form.slots if slot.type in SWITCHES]
    choices = [choice for slot in form.slots if slot.positional for choice in slot.choices]
    known = [*form.words, *options, *choices, *scope.values()]
    similar = nearest(word.text, known)
    notes = (Note(f"`{word.item.span.text}` is `{word.text}`", found.span),) if found else ()
    if form.words and (word.text in HEADS or context.registry.find("layer", word.text)):
        notes = (
            *notes,
            Note(f"`{word.text}` begins a line of its own: a newline or `;` ends the one before"),
        )
    meant = similar in form.words or isinstance(word.item, tree.Call) or found is not None
    kind = "activation" if form.words and meant else "word"
    place = "" if form.words else f" of `{form.owner}`"
    listed = bool(choices) and not form.words
    known = choices if listed else known
    return unknown(context, kind, word.text, word.span, known, place=place, list_known=listed, notes=notes)


def unknown_option(context: Context, form: Form, bound: Bound, option: tree.Option, name: str) -> Told:
    """Habits from other tools are answered with their mend: `units=45`, `activation=relu`."""
    value = option.value.span.text
    if name == "activation" and form.kind == "layer":
        return context.refuse(
            OtherForm(span=option.span, written=option.span.text, mend=value.strip('"').lower())
        )
    first = next((slot for slot in form.slots if slot.positional), None)
    if first and first.type == "size" and name.lower() in SIZES:
        bound.unclear = True
        return context.refuse(
            OtherForm(span=option.span, written=option.span.text, mend=f"{form.owner} {value}")
        )
    known = [slot.name for slot in form.slots if form.by_name or not slot.positional]
    place = f" of `{form.owner}`"
    return unknown(context, "option", name, option.key.span, known, place=place, list_known=True)
