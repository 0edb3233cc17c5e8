"""Items of a line or a call put into the slots of its form; words that fill no slot are handed back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.names import FOREIGN, NOT_YET, OtherForm, unknown
from deltaplan.compiler.build.scope import Lost, Scope, Wire
from deltaplan.compiler.build.slots import read_list, read_slot
from deltaplan.diagnostics import Diagnostic, Note, Span, nearest
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Value

SWITCHES = ("boolean", "switch")  # a bare word turns them on
Item = tree.Value | tree.Values | tree.Option


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTwice(Diagnostic):
    code: ClassVar[str] = "given-twice"
    title: ClassVar[str] = "`{name}` is given twice"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingValue(Diagnostic):
    code: ClassVar[str] = "missing-value"
    title: ClassVar[str] = "`{owner}` needs its {slot}"
    label: ClassVar[str] = "write `{example}`"
    owner: str
    slot: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyValues(Diagnostic):
    code: ClassVar[str] = "too-many-values"
    title: ClassVar[str] = "`{owner}` takes {count}; `{value}` is one too many"
    owner: str
    count: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenComma(Diagnostic):
    code: ClassVar[str] = "forgotten-comma"
    title: ClassVar[str] = "`{first} {second}` needs a comma"
    label: ClassVar[str] = "write `{first}, {second}`"
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAfterOption(Diagnostic):
    code: ClassVar[str] = "value-after-option"
    title: ClassVar[str] = "the value `{value}` stands after an option"
    help: ClassVar[str] = "values come first, then options"
    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word or call that fills no slot: an activation, or a mistake. A param stands for its word."""

    text: str
    item: tree.Value
    span: Span


@dataclass(slots=True)
class Bound:
    """What was given: values by slot, lists for slots with `many`, where each stands, and the other words.

    `unclear` is set by a mistake that may have been meant as a value: then none is said to be missing.
    """

    values: dict[str, Value] = field(default_factory=dict)
    lists: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    trees: dict[str, tree.Value] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    unclear: bool = False


def bind(context: Context, scope: Scope, form: Form, items: Sequence[Item], span: Span) -> Bound:
    """Every mistake of the items is told before Told is raised. `span` is the head, for what is missing."""
    bound, complete = Bound(), True
    at = 0
    while at < len(items):
        wrong = _other_form(context, scope, form, items[at : at + 2])
        if wrong:
            complete, at, bound.unclear = False, at + wrong, True
            continue
        complete &= context.attempt(_take, context, scope, form, bound, items[at]) is not None
        at += 1
    complete &= _fill(context, form, bound, span)
    if not complete:
        raise Told
    return bound


def bind_call(context: Context, scope: Scope, form: Form, value: tree.Value) -> Bound:
    """The slots of `adam(lr=1e-2)` or of the bare word `adam`. Raises Told."""
    items = (value.items + value.after) if isinstance(value, tree.Call) else ()
    span = value.name_span if isinstance(value, tree.Call) else value.span
    return bind(context, scope, form, items, span)


def _take(context: Context, scope: Scope, form: Form, bound: Bound, item: Item) -> bool:
    match item:
        case tree.Option():
            _take_option(context, scope, form, bound, item)
        case tree.Values():
            _take_values(context, scope, form, bound, item)
        case _:
            word = as_word(scope, item)
            if word is None:
                _take_value(context, scope, form, bound, item)
            else:
                _take_word(context, scope, form, bound, word)
    return True


def as_word(scope: Scope, item: tree.Value) -> Word | None:
    """The item as a word, if it is one: a name that stands for no number, a call, a number times one of them."""
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


def _take_option(context: Context, scope: Scope, form: Form, bound: Bound, option: tree.Option) -> None:
    if isinstance(option.key, tree.Call):
        raise unknown(
            context, "option", option.key.name, option.key.name_span, (), place=f" of `{form.owner}`"
        )
    name = option.key.text
    slot = form.slot(name)
    if slot is None:
        raise _unknown_option(context, form, bound, option, name)
    if slot.positional and not form.by_name:
        bound.unclear = True
        mend = f"{form.owner} {option.value.span.text}"
        raise context.refuse(OtherForm(span=option.span, written=option.span.text, mend=mend))
    _put(context, scope, form, bound, slot, option.value, option.key.span)


def _unknown_option(context: Context, form: Form, bound: Bound, option: tree.Option, name: str) -> Told:
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


SIZES = frozenset(["units", "width", "size", "neurons", "nodes", "n", "out", "out_features", "features", "channels", "filters", "dim"])


def _take_values(context: Context, scope: Scope, form: Form, bound: Bound, values: tree.Values) -> None:
    slot = _next_slot(form, bound)
    if slot and slot.many:
        _put(context, scope, form, bound, slot, values, values.span)
        return
    for value in values.items:
        _take_value(context, scope, form, bound, value)


def _take_value(context: Context, scope: Scope, form: Form, bound: Bound, value: tree.Value) -> None:
    slot = _next_slot(form, bound)
    if slot is None:
        raise _too_many(context, form, bound, value)
    if any(name in bound.spans and not _is_positional(form, name) for name in bound.spans):
        raise context.refuse(ValueAfterOption(span=value.span, value=value.span.text))
    _put(context, scope, form, bound, slot, value, value.span)


def _is_positional(form: Form, name: str) -> bool:
    slot = form.slot(name)
    return slot is not None and slot.positional


def _too_many(context: Context, form: Form, bound: Bound, value: tree.Value) -> Told:
    many = next((slot for slot in form.slots if slot.many and slot.name in bound.spans), None)
    if many:
        first, second = bound.spans[many.name].text, value.span.text
        return context.refuse(
            ForgottenComma(span=bound.spans[many.name].to(value.span), first=first, second=second)
        )
    count = sum(slot.positional for slot in form.slots)
    taken = {0: "no value", 1: "one value"}.get(count, f"{count} values")
    return context.refuse(
        TooManyValues(span=value.span, owner=form.owner, count=taken, value=value.span.text)
    )


def _take_word(context: Context, scope: Scope, form: Form, bound: Bound, word: Word) -> None:
    slot = form.slot(word.text)
    if slot and slot.type in SWITCHES and isinstance(word.item, tree.Name):
        _put(context, scope, form, bound, slot, tree.Name("true", word.span), word.span)
        return
    choosing = [slot for slot in form.slots if word.text in slot.choices]
    for slot in choosing:
        if slot.positional:
            _put(context, scope, form, bound, slot, word.item, word.span)
            return
    if choosing:
        mend = f"{choosing[0].name}={word.text}"
        raise context.refuse(OtherForm(span=word.span, written=word.text, mend=mend))
    following = _next_slot(form, bound)
    if following and following.type in ("word", "text", "tree"):
        _put(context, scope, form, bound, following, word.item, word.span)
        return
    if word.text not in form.words:
        bound.unclear = True
        raise _unknown_word(context, scope, form, word)
    bound.words.append(word)


def _unknown_word(context: Context, scope: Scope, form: Form, word: Word) -> Told:
    """What was most likely meant decides what the word is called: an activation, an option, or a value."""
    options = {slot.name for slot in form.slots if slot.type in SWITCHES}
    known = [*form.words, *options, *scope.values()]
    if word.text in NOT_YET["option"]:
        raise unknown(context, "option", word.text, word.span, known)
    similar = nearest(word.text, known)
    kind = (
        "activation" if form.words and (similar in form.words or isinstance(word.item, tree.Call)) else "word"
    )
    return unknown(
        context, kind, word.text, word.span, known, place="" if form.words else f" of `{form.owner}`"
    )


def _next_slot(form: Form, bound: Bound) -> Slot | None:
    free = (slot for slot in form.slots if slot.positional and slot.name not in bound.spans)
    return next(free, None)


def _put(
    context: Context,
    scope: Scope,
    form: Form,
    bound: Bound,
    slot: Slot,
    value: tree.Value | tree.Values,
    span: Span,
) -> None:
    if slot.name in bound.spans:
        notes = (Note("it is given here first", bound.spans[slot.name]),)
        raise context.refuse(GivenTwice(span=span, name=slot.name, notes=notes))
    bound.spans[slot.name] = span
    if slot.many:
        bound.lists[slot.name] = read_list(context, scope, form, slot, value)
    elif slot.type == "tree" and not isinstance(value, tree.Values):
        bound.trees[slot.name] = value
    elif not isinstance(value, tree.Values):
        bound.values[slot.name] = read_slot(context, scope, form, slot, value)


def _fill(context: Context, form: Form, bound: Bound, span: Span) -> bool:
    """Defaults for what is not given; False where something required is missing, which is told."""
    complete = True
    for slot in form.slots:
        if slot.name in bound.spans:
            continue
        if slot.required and bound.unclear:
            complete = False
        elif slot.required:
            context.refuse(
                MissingValue(span=span, owner=form.owner, slot=slot.name, example=_example(form, slot))
            )
            complete = False
        elif slot.default is not None:
            bound.values[slot.name] = slot.default
    return complete


def _example(form: Form, slot: Slot) -> str:
    sample = {"size": "5", "whole": "5", "number": "0.1", "text": '"…"', "boolean": "true"}.get(
        slot.type, "…"
    )
    if form.kind in CALLS:
        return f"{form.owner}({slot.name}={sample})"
    return f"{form.owner} {sample}" if slot.positional else f"{form.owner} {slot.name}={sample}"


CALLS = frozenset({"activation", "loss", "regularizer", "optimizer", "initializer"})


def _other_form(context: Context, scope: Scope, form: Form, pair: Sequence[Item]) -> int:
    """How many of the next items are a wrong form that is told: `kernel 3`, `no bias`, `lr 0.1`."""
    if len(pair) < 2:
        return 0
    first, second = pair
    if not isinstance(first, tree.Name) or isinstance(second, tree.Option):
        return 0
    name = _slot_name(form, first.text)
    if first.text.lower() in SIZES and not form.slot(first.text) and _takes_size(form):
        mend = f"{form.owner} {second.span.text}"
    elif first.text == "no" and isinstance(second, tree.Name) and form.slot(second.text):
        mend = f"{second.text}=false"
    elif name and not isinstance(scope.find(first.text), Wire | Lost):
        mend = f"{name}={second.span.text}"
    else:
        return 0
    span = first.span.to(second.span)
    context.refuse(OtherForm(span=span, written=span.text, mend=mend))
    return 2


def _takes_size(form: Form) -> bool:
    return not form.by_name and any(slot.positional and slot.type == "size" for slot in form.slots)


def _slot_name(form: Form, word: str) -> str | None:
    """The slot with a value of its own that a word names, in our words or in another tool's."""
    if word in form.words:
        return None
    name = word if form.slot(word) else FOREIGN.get(word.lower(), word)
    slot = form.slot(name)
    return name if slot and slot.type not in SWITCHES and not slot.positional else None
