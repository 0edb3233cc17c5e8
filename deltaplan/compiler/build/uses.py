"""`use "./mine.py"` and `use snake`: plugins, into a registry of this spec's own."""

from collections.abc import Iterable
from dataclasses import replace

from deltaplan.compiler.build.binding import TooManyValues, ValueNeeded
from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.places import Read
from deltaplan.diagnostics import Note, PluginError, Span
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Contribution
from deltaplan.plugins.discovery import discover
from deltaplan.plugins.installed import load_plugin
from deltaplan.plugins.loader import load_file
from deltaplan.plugins.registry import Registry


def load_plugins(context: Context, reads: Iterable[Read]) -> Context:
    """The context with what the plugins contribute; a broken one is told, and the others are loaded."""
    for read in reads:
        registry = context.attempt(_load, context, read)
        failed = context.incomplete or registry is None
        context = replace(context, registry=registry or context.registry, incomplete=failed)
    return context


def _load(context: Context, read: Read) -> Registry:
    match read.line.items:
        case (tree.Text(value=path) as text,):
            return _joined(context.registry, load_file(context.folder / path, text.span), text.span)
        case (tree.Name(text=name) as item,):
            manifest = discover(context.folder).find(name, item.span)
            return _joined(context.registry, load_plugin(manifest, item.span), item.span)
        case ():
            what, example = "a plugin or a file", 'use "./mine.py"'
            raise context.refuse(ValueNeeded(span=read.span, owner="use", what=what, example=example))
    first, *others = read.line.items
    if not isinstance(first, tree.Text | tree.Name):
        raise context.refuse(_too_many("a plugin or a file in quotes", first))
    raise context.refuse(_too_many("one plugin", others[0]))


def _joined(registry: Registry, found: Iterable[Contribution], span: Span) -> Registry:
    """The registry and more; where a name is taken, the line that brought its second owner is told."""
    try:
        return registry.with_(found)
    except PluginError as error:
        used = Note("used here", span)
        raise PluginError(
            *(replace(clash, notes=(*clash.notes, used)) for clash in error.diagnostics)
        ) from None


def _too_many(count: str, item: Item) -> TooManyValues:
    return TooManyValues(span=item.span, owner="use", count=count, value=item.span.text)
