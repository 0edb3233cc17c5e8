"""A pair of braces of a model while its lines are read: what the line above gives, names, defaults."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from enum import Enum
from typing import ClassVar

from deltaplan.compiler.build.activations import Activation
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.draft import Draft
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.places import Place, Read
from deltaplan.compiler.build.scope import LOST, Definition, Lost, NameTaken, Scope, Wire
from deltaplan.compiler.build.values import WORDS
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake
from deltaplan.dsl import tree
from deltaplan.records import dataclass


@mistake
class NothingAbove(Diagnostic):
    code: ClassVar[str] = "nothing-above"
    title: ClassVar[str] = "nothing stands above `{head}` that it could take"
    help: ClassVar[str] = "a model begins with `input 1`; `from a` names another source"
    head: str


@mistake
class AfterOutput(Diagnostic):
    code: ClassVar[str] = "after-output"
    title: ClassVar[str] = "`{head}` stands after an output and does not say what it takes"
    help: ClassVar[str] = "name a line above and write `from` with its name"
    head: str


@mistake
class DottedName(Diagnostic):
    code: ClassVar[str] = "dotted-name"
    title: ClassVar[str] = "the name `{name}` has a dot"
    help: ClassVar[str] = "a dot stands between a block's use and a node in it; define names without one"
    name: str


class Above(Enum):
    """Why no line above gives a value."""

    NOTHING = "nothing stands there"
    OUTPUT = "it is an output"
    LOST = "its mistake is told"


@dataclass(frozen=True, slots=True)
class Block:
    """`block unit(width, stride=1) { … }`; `defaults` of arguments are looked up in the file."""

    name: str
    arguments: tuple[str, ...]
    body: tree.Body
    span: Span
    defaults: Mapping[str, tree.Value] = field(default_factory=dict)


@dataclass(slots=True)
class Braces:
    """`prefix` stands before the names of nodes in a block; `inside` names the blocks being expanded.

    `walk` reads lines in other braces: it is passed in, since braces hold lines that hold braces.
    """

    context: Context
    draft: Draft
    scope: Scope
    place: Place
    blocks: Mapping[str, Block]
    walk: Callable[["Braces", Iterable[tree.Line]], None]
    above: Wire | Above = Above.NOTHING
    default: Activation | None = None
    prefix: str = ""
    inside: tuple[str, ...] = ()
    shortcut: Read | None = None
    inputs: dict[str, Wire] = field(default_factory=dict)
    outputs: dict[str, Wire] = field(default_factory=dict)

    def inner(self, place: Place, above: Wire) -> "Braces":
        """Braces within these, which begin with a given value."""
        return replace(self, scope=self.scope.inside(), place=place, above=above, shortcut=None)

    def name(self, line: tree.Line, kind: str) -> str:
        """The name that the writer gave, else kind and number."""
        if line.target:
            return self.draft.name_once(self.prefix + line.target.text)
        return self.draft.name(self.prefix + kind)


def source_of(braces: Braces, read: Read) -> Wire:
    """What a line with one source takes: the node after `from`, else the line above. Raises Told."""
    if read.line.sources:
        return named_source(braces, read.line.sources[0])
    match braces.above:
        case Wire() as wire:
            return wire
        case Above.NOTHING:
            raise braces.context.refuse(NothingAbove(span=read.span, head=read.head))
        case Above.OUTPUT:
            raise braces.context.refuse(AfterOutput(span=read.span, head=read.head))
    raise Told


def named_source(braces: Braces, name: tree.Name) -> Wire:
    """The node that a name in these braces stands for, given by the writer or automatic. Raises Told."""
    found = braces.scope.node(name.text) or braces.draft.ends.get(braces.prefix + name.text)
    if isinstance(found, Lost):
        raise Told
    if found is None:
        known = braces.scope.nodes()
        below = name.text in braces.draft.reserved
        notes = (Note("the line of that name stands below; a line takes what is above it"),) * below
        raise unknown(braces.context, "node", name.text, name.span, known, list_known=True, notes=notes)
    return found


def define(context: Context, scope: Scope, name: tree.Name, definition: Definition) -> None:
    """A name in these braces; one that is taken there, or has a dot, is told and left as it was."""
    if "." in name.text:
        context.refuse(DottedName(span=name.span, name=name.text))
    elif name.text in WORDS:
        context.refuse(NameTaken(span=name.span, name=name.text, taken="a word of the language"))
    elif name.text in scope.names:
        notes = (Note("it is defined here", scope.names[name.text].span),)
        context.refuse(NameTaken(span=name.span, name=name.text, taken="defined", notes=notes))
    else:
        scope.names[name.text] = definition


def settle(braces: Braces, line: tree.Line, result: Wire | Above | None) -> None:
    """What a line gives is what stands above the next one; a lost line is lost by its name as well."""
    braces.above = result or Above.LOST
    braces.draft.complete &= result not in (None, Above.LOST)
    if line.target:
        meaning = result if isinstance(result, Wire) else LOST
        name = line.target
        define(braces.context, braces.scope, name, Definition(meaning, name.span))
