"""Which columns of the data go to which node: `inputs a, b`, `inputs photo=image facts=[area, rooms]`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from deltaplan.compiler.build.binding import ForgottenComma, GivenTwice, ValueNeeded
from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.names import NotYetSupported, unknown
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Wire
from deltaplan.compiler.build.words import NOT_YET
from deltaplan.compiler.experiment import Column
from deltaplan.diagnostics import Diagnostic, Note, Span
from deltaplan.dsl import tree

Columns = dict[str, tuple[Column, ...]]
REST = "rest"
PARTS = ("inputs", "targets")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAColumn(Diagnostic):
    code: ClassVar[str] = "not-a-column"
    title: ClassVar[str] = "`{text}` is not the name of a column"
    help: ClassVar[str] = "a name with spaces or signs stands in quotes"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestNotAlone(Diagnostic):
    code: ClassVar[str] = "rest-not-alone"
    title: ClassVar[str] = "`rest` stands alone: it is every column that is not named elsewhere"
    help: ClassVar[str] = "a column of that name stands in quotes"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichNode(Diagnostic):
    code: ClassVar[str] = "which-node"
    title: ClassVar[str] = "the model has {count} {what}, and the columns do not say which of them they fill"
    help: ClassVar[str] = "write `{example}`"
    count: int
    what: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoColumns(Diagnostic):
    code: ClassVar[str] = "no-columns"
    title: ClassVar[str] = "`{node}` gets no columns"
    label: ClassVar[str] = "add `{node}=…`"
    node: str


def read_columns(context: Context, nodes: Mapping[str, Wire], read: Read | None) -> Columns | None:
    """Columns by node: `inputs a, b`, `inputs rest`, `inputs photo=image facts=[area, rooms]`."""
    if read is None:
        return None
    if not read.line.items:
        example = f"{read.head} t"
        raise context.refuse(ValueNeeded(span=read.span, owner=read.head, what="columns", example=example))
    if isinstance(read.line.items[0], tree.Option):
        return _named_columns(context, nodes, read)
    columns = _plain_columns(context, read)
    if len(nodes) > 1:
        what = "inputs" if read.head == "inputs" else "outputs"
        example = f"{read.head} {' '.join(f'{node}=…' for node in nodes)}"
        raise context.refuse(WhichNode(span=read.span, count=len(nodes), what=what, example=example))
    return dict.fromkeys(nodes, columns)


def _plain_columns(context: Context, read: Read) -> tuple[Column, ...]:
    first, *others = read.line.items
    for other in others:
        if isinstance(other, tree.Option):
            raise _refuse_option(context, other)
        raise context.refuse(forgotten_comma(first, other))
    return _listed(context, read, first)


def _refuse_option(context: Context, option: tree.Option) -> Told:
    name = option.key.text if isinstance(option.key, tree.Name) else option.key.name
    if name in NOT_YET["option"]:
        return unknown(context, "option", name, option.key.span, ())
    return context.refuse(NotAColumn(span=option.span, text=option.span.text))


def forgotten_comma(first: Item, second: Item) -> ForgottenComma:
    return ForgottenComma(span=first.span.to(second.span), first=first.span.text, second=second.span.text)


def _named_columns(context: Context, nodes: Mapping[str, Wire], read: Read) -> Columns:
    found: Columns = {}
    for item in read.line.items:
        if not isinstance(item, tree.Option):
            raise context.refuse(NotAColumn(span=item.span, text=item.span.text))
        name = item.key.text if isinstance(item.key, tree.Name) else item.key.name
        if name in found:
            raise context.refuse(GivenTwice(span=item.key.span, name=name))
        if name not in nodes and name in NOT_YET["option"]:
            raise _refuse_option(context, item)
        if name not in nodes and nodes:
            kind = "input" if read.head == "inputs" else "output"
            raise unknown(context, kind, name, item.key.span, nodes, list_known=True)
        found[name] = _listed(context, read, item.value)
        if not found[name] and () in [found[other] for other in found if other != name]:
            raise context.refuse(GivenTwice(span=item.value.span, name=REST))
    for node in nodes:
        if node not in found:
            raise context.refuse(NoColumns(span=read.span, node=node))
    return found


def _listed(context: Context, read: Read, item: tree.Value | tree.Values | tree.Option) -> tuple[Column, ...]:
    """The columns of one item; `rest` is no column of its own: ()."""
    items = item.items if isinstance(item, tree.Values | tree.List) else (item,)
    rest = [each for each in items if each.span.text == REST] if read.head == "inputs" else []
    if rest and len(items) > 1:
        raise context.refuse(RestNotAlone(span=rest[0].span))
    if rest:
        return ()
    columns = [context.attempt(_column, context, each) for each in items]
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


def _column(context: Context, item: tree.Value | tree.Option) -> Column:
    match item:
        case tree.Name(text=text) if text in PARTS:
            raise context.refuse(NotYetSupported(span=item.span, what=f"`{text}` as a column"))
        case tree.Name(text=text) if "." not in text:
            return Column(text, item.span)
        case tree.Text(value=value):
            return Column(value, item.span)
        case tree.Binary() | tree.Call() | tree.Unary():
            raise context.refuse(NotYetSupported(span=item.span, what="a derived column"))
    raise context.refuse(NotAColumn(span=item.span, text=item.span.text))
