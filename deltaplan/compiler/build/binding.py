"""Items of a line or a call put into the slots of its form; words that fill no slot are handed back."""

import re
from collections.abc import Sequence
from typing import ClassVar

from deltaplan.compiler.build.bound import Bound, Item, Word, as_word
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot, of_parameters
from deltaplan.compiler.build.mends import CALLS, SWITCHES, WORDY, other_form, unknown_option, unknown_word
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.scope import Scope, is_lost
from deltaplan.compiler.build.slots import read_list, read_numbers, read_slot
from deltaplan.compiler.nodes import Use
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake
from deltaplan.dsl import tree


@mistake
class GivenTwice(Diagnostic):
    code: ClassVar[str] = "given-twice"
    title: ClassVar[str] = "`{name}` is given twice"
    name: str


@mistake
class ValueNeeded(Diagnostic):
    code: ClassVar[str] = "value-needed"
    title: ClassVar[str] = "`{owner}` needs {what}"
    label: ClassVar[str] = "write `{example}`"
    owner: str
    what: str
    example: str


@mistake
class TooManyValues(Diagnostic):
    code: ClassVar[str] = "too-many-values"
    title: ClassVar[str] = "`{owner}` takes {count}; `{value}` is one too many"
    help: ClassVar[str] = "{mend}"
    owner: str
    count: str
    value: str
    mend: str | None = None


@mistake
class ForgottenComma(Diagnostic):
    code: ClassVar[str] = "forgotten-comma"
    title: ClassVar[str] = "`{first} {second}` needs a comma"
    label: ClassVar[str] = "write `{first}, {second}`"
    help: ClassVar[str] = "{mend}"
    first: str
    second: str
    mend: str | None = None


@mistake
class ValueAfterOption(Diagnostic):
    code: ClassVar[str] = "value-after-option"
    title: ClassVar[str] = "the value `{value}` stands after an option"
    help: ClassVar[str] = "values come first, then options"
    value: str


def bind(context: Context, scope: Scope, form: Form, items: Sequence[Item], span: Span) -> Bound:
    """What the items give, complete. Every mistake of them is told before Told is raised."""
    bound = gather(context, scope, form, items, span)
    if not bound.complete:
        raise Told
    return bound


def gather(context: Context, scope: Scope, form: Form, items: Sequence[Item], span: Span) -> Bound:
    """What the items give, as far as it could be read; mistakes are told, and then it is not `complete`.

    `span` is the head, where what is missing is told.
    """
    bound, at = Bound(), 0
    while at < len(items):
        wrong = other_form(context, scope, form, items[at : at + 2])
        if wrong:
            bound.complete, bound.unclear = False, True
        elif context.attempt(_take, context, scope, form, bound, items[at]) is None:
            bound.complete = False
        at += wrong or 1
    bound.complete &= _fill(context, form, bound, span)
    return bound


def bind_call(context: Context, scope: Scope, form: Form, value: tree.Value) -> Bound:
    """The slots of `adam(lr=1e-2)` or of the bare word `adam`. Raises Told."""
    items = (value.items + value.after) if isinstance(value, tree.Call) else ()
    span = value.name_span if isinstance(value, tree.Call) else value.span
    return bind(context, scope, form, items, span)


def schedule(context: Context, scope: Scope, value: tree.Name | tree.Call) -> Use:
    """`cosine(0.1)`; a time that is not given is the run's, which is put in later. Raises Told."""
    name, span = (value.name, value.name_span) if isinstance(value, tree.Call) else (value.text, value.span)
    contract = context.registry.find("schedule", name)
    if contract is None:
        raise unknown(context, "schedule", name, span, context.registry.names("schedule"), list_known=True)
    bound = bind_call(context, scope, of_parameters(contract, "schedule"), value)
    return Use(contract, bound.settings, value.span)


def _schedule_name(context: Context, scope: Scope, value: tree.Value | tree.Values) -> str | None:
    """The name of the schedule that a value is: a call, or the word alone, whose values are then missing."""
    match value:
        case tree.Call(name=name):
            return name
        case tree.Name(text=text) if scope.find(text) is None and context.registry.find("schedule", text):
            return text
    return None


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


def _take_option(context: Context, scope: Scope, form: Form, bound: Bound, option: tree.Option) -> None:
    if isinstance(option.key, tree.Call):
        raise unknown(
            context, "option", option.key.name, option.key.name_span, (), place=f" of `{form.owner}`"
        )
    name = option.key.text
    slot = form.slot(name)
    bound.named = True
    if slot is None:
        raise unknown_option(context, form, bound, option, name)
    if slot.positional and not form.by_name:
        bound.unclear = True
        mend = f"{form.owner} {option.value.span.text}"
        raise context.refuse(OtherForm(span=option.span, written=option.span.text, mend=mend))
    _put(context, scope, form, bound, slot, option.value, option.key.span)


def _take_values(context: Context, scope: Scope, form: Form, bound: Bound, values: tree.Values) -> None:
    slot = _next_slot(form, bound)
    if slot and slot.many:
        _put(context, scope, form, bound, slot, values, values.span)
        return
    for value in values.items:
        _take_value(context, scope, form, bound, value)


def _take_value(context: Context, scope: Scope, form: Form, bound: Bound, value: tree.Value) -> None:
    slot = _next_slot(form, bound)
    if slot is None and (is_lost(scope, value) or _is_told(form, bound, value)):
        raise Told
    if slot is None:
        raise _too_many(context, form, bound, value)
    if bound.named:
        bound.unclear = True
        raise context.refuse(ValueAfterOption(span=value.span, value=value.span.text))
    _put(context, scope, form, bound, slot, value, value.span)


def _is_told(form: Form, bound: Bound, value: tree.Value) -> bool:
    """Whether it is one of several sides without an `x` between them, of which the first is told."""
    return any(
        s.type == "sides" and s.name in bound.spans and value.span.end <= bound.spans[s.name].end
        for s in form.slots
    )


def _too_many(context: Context, form: Form, bound: Bound, value: tree.Value) -> Told:
    many = next((slot for slot in form.slots if slot.many and slot.name in bound.spans), None)
    if many and (option := _unnamed(form, bound)):
        bound.spans[option.name], bound.unclear = value.span, True
        written = value.span.text
        return context.refuse(OtherForm(span=value.span, written=written, mend=f"{option.name}={written}"))
    if many and (repeated := _repeated(bound.spans[many.name].text, value)):
        span = bound.spans[many.name].to(value.span)
        return context.refuse(OtherForm(span=span, written=span.text, mend=repeated))
    if many:
        first, second = bound.spans[many.name].text, value.span.text
        return context.refuse(
            ForgottenComma(span=bound.spans[many.name].to(value.span), first=first, second=second)
        )
    free = next((s for s in form.slots if s.type == "number" and s.name not in bound.spans), None)
    if free and not any(slot.positional for slot in form.slots):
        bound.spans[free.name] = value.span
        mend = _shares(value) or f"{free.name}={value.span.text}"
        return context.refuse(OtherForm(span=value.span, written=value.span.text, mend=mend))
    count = sum(slot.positional for slot in form.slots)
    taken = {0: "no value", 1: "one value"}.get(count, f"{count} values")
    return context.refuse(
        TooManyValues(
            span=value.span,
            owner=form.owner,
            count=taken,
            value=value.span.text,
            mend=_joined(form, bound, value),
        )
    )


def _joined(form: Form, bound: Bound, value: tree.Value) -> str | None:
    """`input 8, 8, 1` is `input 8x8x1`."""
    sides = next((s.name for s in form.slots if s.positional and s.type == "sides"), None)
    if sides is None or sides not in bound.spans:
        return None
    text, start = value.span.source.text, bound.spans[sides].start
    numbers = re.compile(r"[\w%]+(?:[ ,]+[0-9]+)*").match(text, start)
    written = numbers[0] if numbers else ""
    if start + len(written) < value.span.end:  # something else stands between them
        return None
    bound.spans[sides] = Span(value.span.source, start, start + len(written))
    return f"an `x` stands between the sides: `{'x'.join(re.split('[ ,]+', written))}`"


def _unnamed(form: Form, bound: Bound) -> Slot | None:
    """The option that a number after the list was meant for: in `conv 8 3` the kernel, which must be given,
    and in `conv 8 3 2` the stride after it."""
    free = [slot for slot in form.slots if not slot.positional and slot.name not in bound.spans]
    needed = (slot for slot in free if slot.required)
    sides = (slot for slot in free if slot.type == "sides" and bound.unclear)
    return next(needed, None) or next(sides, None)


def _repeated(width: str, value: tree.Value) -> str | None:
    """`5 relu x 3`, three layers of five, is `3 x 5 relu`."""
    match value:
        case tree.Times(factors=(tree.Name() | tree.Call() as word, count)):
            return f"{count.span.text} x {width} {word.span.text}"
    return None


def _shares(value: tree.Value) -> str | None:
    """`split 80/20` is `split train=80% test=20%`."""
    match value:
        case tree.Binary(op="/", left=tree.Number(), right=tree.Number()) as whole:
            return f"train={whole.left.span.text}% test={whole.right.span.text}%"
    return None


def _take_word(context: Context, scope: Scope, form: Form, bound: Bound, word: Word) -> None:
    slot = form.slot(word.text)
    literal = isinstance(word.item, tree.Name) and word.item.text == word.text
    if slot and slot.type in SWITCHES and literal:  # no param's word: what it switches would hang on a value
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
    if word.text in form.words:
        bound.words.append(word)
        return
    following = _next_slot(form, bound)
    if following and following.scheduled and _schedule_name(context, scope, word.item):
        _put(context, scope, form, bound, following, word.item, word.span)
        return
    if following and following.type in WORDY and not following.choices:
        _put(context, scope, form, bound, following, word.item, word.span)
        return
    if following and scope.find(word.item.span.text):  # a param's word
        _take_value(context, scope, form, bound, word.item)
        return
    bound.unclear = True
    raise unknown_word(context, scope, form, word)


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
    if slot.scheduled and _schedule_name(context, scope, value):
        assert isinstance(value, tree.Name | tree.Call)
        bound.schedules[slot.name] = schedule(context, scope, value)
    elif slot.type == "numbers":
        bound.lists[slot.name] = read_numbers(context, scope, form, slot, value)
    elif slot.many:
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
            what = f"`{slot.name}`" if slot.name != form.owner else "a value"
            example = _example(form, slot, bound)
            context.refuse(ValueNeeded(span=span, owner=form.owner, what=what, example=example))
            complete = False
        elif slot.default is not None:
            bound.values[slot.name] = slot.default
    return complete


def _example(form: Form, slot: Slot, bound: Bound) -> str:
    sample = {
        "size": "5",
        "sides": "3",
        "whole": "5",
        "number": "0.1",
        "text": '"…"',
        "boolean": "true",
        "tree": "weights" if slot.name == "on" else "5",
    }.get(slot.type, "…")
    if form.kind in CALLS:
        return f"{form.owner}({slot.name}={sample})"
    if slot.positional:
        return f"{form.owner} {sample}"
    values = [bound.spans[s.name].text for s in form.slots if s.positional and s.name in bound.spans]
    return " ".join([form.owner, *values, f"{slot.name}={sample}"])
