"""Lines that expand to others: `repeat 4 { … }`, `block unit(width) { … }` and its uses."""

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from deltaplan.compiler.build.binding import GivenTwice, bind
from deltaplan.compiler.build.bound import Bound
from deltaplan.compiler.build.braces import Block, Braces, source_of
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.places import INNER, MODEL, Read
from deltaplan.compiler.build.scope import Definition, Lost, NameTaken, Scope, Wire
from deltaplan.compiler.build.sharing import SHARE, sharing
from deltaplan.compiler.build.slots import TooManyRepeats
from deltaplan.compiler.build.values import WORDS, evaluate
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Value


@mistake
class BlockUsesItself(Diagnostic):
    code: ClassVar[str] = "block-uses-itself"
    title: ClassVar[str] = "the block `{name}` uses itself"
    name: str


@mistake
class BlockHeader(Diagnostic):
    code: ClassVar[str] = "block-header"
    title: ClassVar[str] = "a block begins with its name and arguments"
    label: ClassVar[str] = "write `block unit(width) {{ … }}`"


REPEAT = Form("repeat", "layer", (Slot("times", "size", required=True, positional=True),), by_name=False)


def repeat_line(braces: Braces, read: Read) -> Wire:
    """The lines in the braces, several times in a row. Raises Told."""
    context, body = braces.context, read.line.body
    assert body is not None, "the table of the place asks for braces"
    bound = context.attempt(bind, context, braces.scope, REPEAT, read.line.items, read.span)
    times = int(str(bound.values["times"])) if bound else 1
    if times > context.limits.layers:
        raise context.refuse(TooManyRepeats(span=read.span, count=times, limit=context.limits.layers))
    above = source_of(braces, read)
    for _ in range(times):
        braces.draft.line(read.span)
        inner = braces.inner(INNER, above)
        inner.walk(inner, body.lines)
        if not isinstance(inner.above, Wire):
            raise Told
        above = inner.above
    return above


def define_blocks(context: Context, lines: Iterable[Read]) -> dict[str, Block]:
    """The blocks of a file by name; mistakes in their headers are told."""
    blocks: dict[str, Block] = {}
    for read in lines:
        block = context.attempt(_block, context, read, blocks)
        if block:
            blocks[block.name] = block
    return blocks


def _block(context: Context, read: Read, known: dict[str, Block]) -> Block:
    header = read.line.items[0] if len(read.line.items) == 1 else None
    if isinstance(header, tree.Name):
        header = tree.Call(header.text, (), (), header.span, header.span)
    if not isinstance(header, tree.Call) or header.after or read.line.body is None:
        raise context.refuse(BlockHeader(span=read.span))
    arguments = [_argument(context, item) for item in header.items]
    defaults = {_argument(context, i): i.value for i in header.items if isinstance(i, tree.Option)}
    for at, argument in enumerate(arguments):
        if argument in arguments[:at]:
            raise context.refuse(GivenTwice(span=header.items[at].span, name=argument))
    taken, notes = _taken(context, header.name, known)
    if taken:
        raise context.refuse(NameTaken(span=header.name_span, name=header.name, taken=taken, notes=notes))
    return Block(header.name, tuple(arguments), read.line.body, header.span, defaults)


def _argument(context: Context, item: tree.Value | tree.Option) -> str:
    """`width`, or `stride=1`. Raises Told."""
    name = item.key if isinstance(item, tree.Option) else item
    if not isinstance(name, tree.Name):
        raise context.refuse(BlockHeader(span=item.span))
    if name.text in WORDS:
        raise context.refuse(NameTaken(span=name.span, name=name.text, taken="a word of the language"))
    return name.text


def _taken(context: Context, name: str, known: dict[str, Block]) -> tuple[str, tuple[Note, ...]]:
    if name in known:
        return "a block", (Note("it is defined here", known[name].span),)
    layer = context.registry.find("layer", name)
    if layer:
        return f"a layer of {layer.owner}", ()
    if name in MODEL.rules:
        return "a line of the language", ()
    return "", ()


def block_line(braces: Braces, read: Read) -> Wire:
    """A use of a block: its lines, with the arguments in place, after the line above. Raises Told."""
    context, block = braces.context, braces.blocks[read.head]
    braces.draft.used.add(block.name)
    slots = tuple(
        Slot(name, "tree", required=name not in block.defaults, positional=True) for name in block.arguments
    )
    form = Form(block.name, "layer", slots if SHARE.name in block.arguments else (*slots, SHARE))
    bound = context.attempt(bind, context, braces.scope, form, read.line.items, read.span)
    source = source_of(braces, read)
    if block.name in braces.inside:
        notes = (Note("it is defined here", block.span),)
        raise context.refuse(BlockUsesItself(span=read.span, name=block.name, notes=notes))
    if bound is None:
        raise Told
    scope = _file_scope(braces.scope).inside()
    for name in block.arguments:
        value = bound.trees.get(name)
        where = braces.scope if value else _file_scope(braces.scope)
        value = value or block.defaults[name]
        scope.names[name] = Definition(_meaning(context, where, value), value.span)
    with sharing(braces, Bound() if SHARE.name in block.arguments else bound):
        return _expand(braces, read, block, scope, source)


def _expand(braces: Braces, read: Read, block: Block, scope: Scope, source: Wire) -> Wire:
    name = braces.name(read.line, block.name)
    inner = replace(
        braces,
        scope=scope,
        place=INNER,
        above=source,
        default=None,
        prefix=f"{name}.",
        inside=(*braces.inside, block.name),
        shortcut=None,
    )
    first = len(braces.draft.trail)
    inner.walk(inner, block.body.lines)
    if not isinstance(inner.above, Wire):
        raise Told
    return braces.draft.end(name, inner.above, first)


def _meaning(context: Context, scope: Scope, value: tree.Value) -> Value | Wire | Lost:
    """An argument: a node where the word names one, else a value."""
    node = scope.node(value.text) if isinstance(value, tree.Name) else None
    return node or evaluate(context, scope, value)


def _file_scope(scope: Scope) -> Scope:
    while scope.outer:
        scope = scope.outer
    return scope
