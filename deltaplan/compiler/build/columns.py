"""Which columns of the data go to which node: `inputs a, b`, `inputs photo=image facts=[area, rooms]`."""

from collections.abc import Mapping
from dataclasses import field, replace
from typing import ClassVar

from deltaplan.compiler.build.binding import ForgottenComma, GivenTwice, ValueNeeded
from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.derived import NotAColumn, derived
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.places import OutOfPlace, Read
from deltaplan.compiler.build.scope import Scope, Wire
from deltaplan.compiler.build.slots import read_slot
from deltaplan.compiler.experiment import Column
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake
from deltaplan.dsl import tree
from deltaplan.records import dataclass

Columns = dict[str, tuple[Column, ...]]
REST = "rest"
PARTS = ("inputs", "targets")


@mistake
class RestNotAlone(Diagnostic):
    code: ClassVar[str] = "rest-not-alone"
    title: ClassVar[str] = "`{word}` stands alone: it is {meaning}"
    help: ClassVar[str] = "a column of that name stands in quotes"
    word: str
    meaning: str


@mistake
class WhichNode(Diagnostic):
    code: ClassVar[str] = "which-node"
    title: ClassVar[str] = "the model has {count} {what}, and the columns do not say which of them they fill"
    help: ClassVar[str] = "write `{example}`"
    count: int
    what: str
    example: str


@mistake
class NoColumns(Diagnostic):
    code: ClassVar[str] = "no-columns"
    title: ClassVar[str] = "`{node}` gets no columns"
    label: ClassVar[str] = "add `{node}=…`"
    node: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an `inputs` or a `targets` line says: columns by node, the number of its option (`window`,
    `ahead`), and the outputs that are compared with an input: its name, empty for the only one."""

    columns: Columns
    option: int | None = None
    mirrors: Mapping[str, tree.Name] = field(default_factory=dict)


OPTIONS = {
    "inputs": Form("inputs", "data line", (Slot("window", "whole", minimum=1),)),
    "targets": Form("targets", "data line", (Slot("ahead", "whole", minimum=0),)),
}


def read_columns(
    context: Context, scope: Scope, nodes: Mapping[str, Wire], read: Read | None
) -> Chosen | None:
    """`inputs a, b`, `inputs rest`, `inputs photo=image facts=[area, rooms]`. Raises Told."""
    if read is None:
        return None
    items, option = _without_option(context, scope, nodes, read)
    if not items:
        example = f"{read.head} t"
        raise context.refuse(ValueNeeded(span=read.span, owner=read.head, what="columns", example=example))
    if isinstance(items[0], tree.Option):
        columns = _named_columns(context, scope, nodes, read, items)
    else:
        columns = _columns_of_all(context, scope, nodes, read, items)
    mirrors = {node: _word(items, node) for node, given in columns.items() if given == MIRROR}
    return Chosen(columns, option, mirrors)


def _word(items: tuple[Item, ...], node: str) -> tree.Name:
    """What a node is said to be compared with: `inputs`, `inputs.photo`; for inputs it is `rest`."""
    named = (item.value for item in items if isinstance(item, tree.Option) and _key(item) == node)
    word = next(named, items[0])
    assert isinstance(word, tree.Name)
    return word


MIRROR: tuple[Column, ...] = ()  # `targets inputs`; `rest` is () too, and only inputs have it


def _without_option(
    context: Context, scope: Scope, nodes: Mapping[str, Wire], read: Read
) -> tuple[tuple[Item, ...], int | None]:
    """The items that name columns, and the value of `window` or `ahead`."""
    form, found = OPTIONS[read.head], None
    (slot,) = form.slots
    kept: list[Item] = []
    for item in read.line.items:
        key = _key(item)
        if key != slot.name or key in nodes or not isinstance(item, tree.Option):
            kept.append(item)
        elif found is not None:
            context.refuse(GivenTwice(span=item.key.span, name=slot.name))
        else:
            found = int(str(read_slot(context, scope, form, slot, item.value)))
    return tuple(kept), found


def _key(item: Item) -> str | None:
    if not isinstance(item, tree.Option):
        return None
    return item.key.text if isinstance(item.key, tree.Name) else item.key.name


def _columns_of_all(
    context: Context, scope: Scope, nodes: Mapping[str, Wire], read: Read, items: tuple[Item, ...]
) -> Columns:
    columns = _plain_columns(context, scope, read, items)
    if len(nodes) > 1:
        what = "inputs" if read.head == "inputs" else "outputs"
        example = f"{read.head} {' '.join(f'{node}=…' for node in nodes)}"
        raise context.refuse(WhichNode(span=read.span, count=len(nodes), what=what, example=example))
    return dict.fromkeys(nodes, columns)


def _plain_columns(context: Context, scope: Scope, read: Read, items: tuple[Item, ...]) -> tuple[Column, ...]:
    first, *others = items
    for other in others:
        if isinstance(other, tree.Option):
            raise _unknown_option(context, read, other)
        raise context.refuse(replace(forgotten_comma(first, other), mend=_one_name(first, other)))
    return _listed(context, scope, read, first)


def _unknown_option(context: Context, read: Read, option: tree.Option) -> Told:
    """`ahead` belongs to the targets and `window` to the inputs; any other is none."""
    name, own = _key(option) or "", OPTIONS[read.head].slots[0].name
    for head, form in OPTIONS.items():
        if form.slot(name):
            place, where = f"`{read.head}`", f"`{head}`"
            return context.refuse(OutOfPlace(span=option.span, head=name, place=place, where=where))
    place = f" of `{read.head}`"
    return unknown(context, "option", name, option.key.span, [own], place=place, list_known=True)


def _one_name(first: Item, second: Item) -> str | None:
    """`petal width` may be one column, whose name has a space in it."""
    before = first.items[-1] if isinstance(first, tree.Values | tree.List) else first
    if not (isinstance(before, tree.Name) and isinstance(second, tree.Name)):
        return None
    return f'a name with a space in it stands in quotes: `"{before.text} {second.text}"`'


def forgotten_comma(first: Item, second: Item) -> ForgottenComma:
    return ForgottenComma(span=first.span.to(second.span), first=first.span.text, second=second.span.text)


def _named_columns(
    context: Context, scope: Scope, nodes: Mapping[str, Wire], read: Read, items: tuple[Item, ...]
) -> Columns:
    found: Columns = {}
    for item in items:
        if not isinstance(item, tree.Option):
            raise context.refuse(NotAColumn(span=item.span, text=item.span.text))
        name = _key(item) or ""
        if name in found:
            raise context.refuse(GivenTwice(span=item.key.span, name=name))
        if name not in nodes and nodes:
            if any(form.slot(name) for form in OPTIONS.values()):
                raise _unknown_option(context, read, item)
            kind = "input" if read.head == "inputs" else "output"
            raise unknown(context, kind, name, item.key.span, nodes, list_known=True)
        found[name] = _listed(context, scope, read, item.value)
        twice = not found[name] and () in [found[other] for other in found if other != name]
        if twice and read.head == "inputs":
            raise context.refuse(GivenTwice(span=item.value.span, name=REST))
    for node in nodes:
        if node not in found:
            raise context.refuse(NoColumns(span=read.span, node=node))
    return found


def _listed(
    context: Context, scope: Scope, read: Read, item: tree.Value | tree.Values | tree.Option
) -> tuple[Column, ...]:
    """The columns of one item; `rest` of the inputs and `inputs` of the targets are no columns of their own:
    ()."""
    items = item.items if isinstance(item, tree.Values | tree.List) else (item,)
    alone = REST if read.head == "inputs" else PARTS[0]
    special = [
        each
        for each in items
        if isinstance(each, tree.Name)
        and (each.text == alone or (alone == PARTS[0] and each.text.startswith(f"{alone}.")))
    ]
    if special and len(items) > 1:
        meaning = ALONE[alone]
        raise context.refuse(RestNotAlone(span=special[0].span, word=alone, meaning=meaning))
    if special:
        return ()
    columns = [context.attempt(_column, context, scope, each) for each in items]
    seen: dict[str, Span] = {}
    for column in columns:
        if column and column.name in seen:
            notes = (Note("it is given here first", seen[column.name]),)
            context.refuse(GivenTwice(span=column.span, name=column.name, notes=notes))
        elif column:
            seen[column.name] = column.span
    if len(seen) < len(columns):
        raise Told
    return tuple(column for column in columns if column)


ALONE = {REST: "every column that is not named elsewhere", "inputs": "what the model is given"}


def _column(context: Context, scope: Scope, item: tree.Value | tree.Option) -> Column:
    match item:
        case tree.Name(text=text) if text in PARTS:
            raise context.refuse(OtherForm(span=item.span, written=text, mend=f'"{text}"'))
        case tree.Name() | tree.Text():
            return plain_column(context, item)
        case tree.Binary() | tree.Call() | tree.Unary():
            return derived(context, scope, item)
    raise context.refuse(NotAColumn(span=item.span, text=item.span.text))


def plain_column(context: Context, item: tree.Value) -> Column:
    """A column by its name. Raises Told."""
    match item:
        case tree.Name(text=text) if "." not in text:
            return Column(text, item.span)
        case tree.Text(value=value):
            return Column(value, item.span)
    raise context.refuse(NotAColumn(span=item.span, text=item.span.text))
