"""`param name = value`, and the values that a command line or a caller puts in their place."""

from collections.abc import Container, Iterable, Iterator, Mapping
from numbers import Integral, Real
from typing import ClassVar

from deltaplan.compiler.build.binding import GivenTwice, TooManyValues, ValueNeeded
from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.braces import Block, DottedName
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.sayable import sayable
from deltaplan.compiler.build.scope import LOST, Definition, NameTaken, Scope
from deltaplan.compiler.build.values import WORDS, describe, evaluate
from deltaplan.compiler.sweeps import SEED
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake, nearest
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Value


@mistake
class UnknownParam(Diagnostic):
    code: ClassVar[str] = "unknown-param"
    title: ClassVar[str] = "the spec has no param `{name}`"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = "its params: {known}{mend}"
    name: str
    known: str
    similar: str | None
    mend: str = ""


@mistake
class WrongOverride(Diagnostic):
    code: ClassVar[str] = "wrong-override"
    title: ClassVar[str] = "the param `{name}` is {expected} and cannot be set to {got}"
    name: str
    expected: str
    got: str


@mistake
class WrongSeed(Diagnostic):
    code: ClassVar[str] = "wrong-seed"
    title: ClassVar[str] = "the seed of training is a whole number of at least 0, and not {got}"
    got: str


@mistake
class UnsayableValue(Diagnostic):
    code: ClassVar[str] = "unsayable-value"
    title: ClassVar[str] = "the param `{name}` is set to {got}, which no spec can say"
    help: ClassVar[str] = "{mend}"
    name: str
    got: str
    mend: str


@mistake
class UnusedName(Diagnostic):
    code: ClassVar[str] = "unused-name"
    title: ClassVar[str] = "the {what} `{name}` is not used"
    severity: ClassVar = "warning"
    what: str
    name: str


def define_params(
    context: Context, scope: Scope, lines: Iterable[Read], given: Mapping[str, Value], trained: bool
) -> dict[str, Value]:
    """The params by name, in order, overridden by what is given; mistakes are told. `seed` is given as a
    param is, where the spec is `trained` and has no param of that name."""
    for read in lines:
        for name, value in _pairs(context, read):
            _define(context, scope, name, value, given)
    known = {*scope.names, SEED} if trained else {*scope.names}
    for unknown in sorted(given.keys() - known):
        listed = ", ".join(f"`{each}`" for each in scope.names) or "none"
        context.refuse(UnknownParam(name=unknown, known=listed, similar=nearest(unknown, scope.names)))
    values: dict[str, Value] = {
        name: found.meaning  # type: ignore[misc]
        for name, found in scope.names.items()
        if found.meaning is not LOST
    }
    if trained and SEED in given and SEED not in scope.names:
        seed = context.attempt(checked_seed, context, None, _plain(given[SEED]))
        values |= {} if seed is None else {SEED: seed}
    return values


def unused(scope: Scope, blocks: Mapping[str, Block], used_blocks: Container[str]) -> Iterator[UnusedName]:
    """A warning for each param and block that nothing uses."""
    for name, found in scope.names.items():
        if name not in scope.used and found.meaning is not LOST:
            yield UnusedName(span=found.span, what="param", name=name)
    for block in blocks.values():
        if block.name not in used_blocks:
            yield UnusedName(span=block.span, what="block", name=block.name)


def _pairs(context: Context, read: Read) -> Iterable[tuple[tree.Name, tree.Value]]:
    """The name and the value of the line; one that is not `name = value` is told."""
    items = read.line.items
    match items:
        case (tree.Option(key=tree.Name() as name, value=value),):
            if "." in name.text:
                context.refuse(DottedName(span=name.span, name=name.text))
            else:
                yield name, value
        case (tree.Name() as name,):
            context.refuse(_missing(name.span, f"param {name.text} = 1"))
        case (tree.Option(), extra, *_):
            context.refuse(_extra(extra))
        case _:
            context.refuse(_missing(read.span, "param width = 5"))


def _missing(span: Span, example: str) -> ValueNeeded:
    return ValueNeeded(span=span, owner="param", what="a value", example=example)


def _extra(item: Item) -> TooManyValues:
    return TooManyValues(span=item.span, owner="param", count="one value", value=item.span.text)


def _define(
    context: Context, scope: Scope, name: tree.Name, value: tree.Value, given: Mapping[str, Value]
) -> None:
    if name.text in scope.names:
        notes = (Note("it is given here first", scope.names[name.text].span),)
        context.refuse(GivenTwice(span=name.span, name=name.text, notes=notes))
        return
    if name.text in WORDS:
        taken = "a word of the language"
        context.refuse(NameTaken(span=name.span, name=name.text, taken=taken))
        return
    own = context.attempt(evaluate, context, scope, value)
    meaning = LOST if own is None else own
    if own is not None and name.text in given:
        other = context.attempt(checked, context, name.text, name.span, own, _plain(given[name.text]))
        meaning = LOST if other is None else other
    scope.names[name.text] = Definition(meaning, name.span)


def checked(context: Context, name: str, span: Span | None, own: Value, other: Value) -> Value:
    """The value that replaces a param's own. Raises Told."""
    if _type(other) != _type(own):
        raise context.refuse(WrongOverride(span=span, name=name, expected=_type(own), got=describe(other)))
    if sayable(other) is None:
        got = "".join(c if c.isprintable() else "?" for c in describe(other))
        mend = TEXT if isinstance(other, str) else NUMBER
        raise context.refuse(UnsayableValue(span=span, name=name, got=got, mend=mend))
    return other


def checked_seed(context: Context, span: Span | None, value: Value) -> int:
    """The seed of training. Raises Told."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise context.refuse(WrongSeed(span=span, got=describe(value)))
    checked(context, SEED, span, 0, value)
    return value


NUMBER = "a number is finite, a whole one at most 2^62"
TEXT = "a text has no quotes and no control characters"


def _plain(value: Value) -> Value:
    """A number of numpy's as Python's own."""
    match value:
        case bool():
            return value
        case Integral():
            return int(value)
        case Real():
            return float(value)
    return value


def _type(value: Value) -> str:
    match value:
        case bool():
            return "`true` or `false`"
        case int() | float():
            return "a number"
    return "a word"
