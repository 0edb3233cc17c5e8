"""What is done to columns before the first step: `standardize`, `multiply`, `missing`."""

from collections.abc import Iterable, Iterator
from typing import ClassVar, get_args

from deltaplan.compiler.build.binding import GivenTwice, ValueNeeded
from deltaplan.compiler.build.columns import PARTS, forgotten_comma
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.derived import NotAColumn
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.places import Read, StatedTwice
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.slots import OutOfBounds, read_slot
from deltaplan.compiler.experiment import Column, Missing, Strategy
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake, nearest
from deltaplan.dsl import tree


@mistake
class MultipliedAndStandardized(Diagnostic):
    code: ClassVar[str] = "multiplied-and-standardized"
    title: ClassVar[str] = "`{part}` are standardized, which undoes what `multiply` does to them"
    help: ClassVar[str] = "one of the two lines is enough"
    part: str


@mistake
class MissingNothing(Diagnostic):
    code: ClassVar[str] = "missing-nothing"
    title: ClassVar[str] = "`missing` speaks of the column `{name}`, which is neither an input nor a target"
    label: ClassVar[str] = "similar name: `{similar}`"
    name: str
    similar: str | None


@mistake
class FilledTarget(Diagnostic):
    code: ClassVar[str] = "filled-target"
    title: ClassVar[str] = "`{name}` is a target: a made-up value would be learned as if it were true"
    label: ClassVar[str] = "write `{name}=drop`"
    name: str


def read_standardize(context: Context, read: Read | None) -> tuple[str, ...]:
    """Which of `inputs` and `targets` are standardized."""
    if read is None:
        return ()
    if not read.line.items:
        example = "standardize inputs"
        mistake = ValueNeeded(
            span=read.span, owner="standardize", what="`inputs` or `targets`", example=example
        )
        context.refuse(mistake)
        return ()
    first, *others = read.line.items
    for other in others:
        context.refuse(forgotten_comma(first, other))
    items = first.items if isinstance(first, tree.Values) else (first,)
    for item in items:
        if item.span.text not in PARTS:
            unknown(context, "part", item.span.text, item.span, PARTS, list_known=True)
    return tuple(dict.fromkeys(item.span.text for item in items))


MULTIPLY = Form("multiply", "data line", (Slot("factor", "number", required=True, positional=True),))


def read_multiply(context: Context, scope: Scope, reads: Iterable[Read]) -> dict[str, tuple[float, Span]]:
    """`multiply inputs 1/256`: the factor of `inputs` and of `targets`, each with its line."""
    found: dict[str, tuple[float, Span]] = {}
    for read in reads:
        pair = context.attempt(_multiply, context, scope, read)
        if pair and pair[0] in found:
            notes = (Note("it stands here first", found[pair[0]][1]),)
            context.refuse(StatedTwice(span=read.span, head=f"multiply {pair[0]}", notes=notes))
        elif pair:
            found[pair[0]] = pair[1], read.line.span
    return found


def _multiply(context: Context, scope: Scope, read: Read) -> tuple[str, float]:
    match read.line.items:
        case (part, factor) if not isinstance(factor, tree.Option | tree.Values):
            pass
        case _:
            what, example = "a part and a factor", "multiply inputs 1/256"
            raise context.refuse(ValueNeeded(span=read.span, owner="multiply", what=what, example=example))
    if part.span.text not in PARTS:
        raise unknown(context, "part", part.span.text, part.span, PARTS, list_known=True)
    value = float(str(read_slot(context, scope, MULTIPLY, MULTIPLY.slots[0], factor)))
    if value == 0:
        raise context.refuse(
            OutOfBounds(span=factor.span, subject="the factor", bound="other than 0", value="0")
        )
    return part.span.text, value


def check_scaled_once(
    context: Context, multiply: dict[str, tuple[float, Span]], standardize: Read | None, parts: Iterable[str]
) -> None:
    for part in parts:
        if part in multiply and standardize:
            notes = (Note("`standardize` stands here", standardize.span),)
            context.refuse(MultipliedAndStandardized(span=multiply[part][1], part=part, notes=notes))


DEFAULT = Slot("missing", "word", positional=True, choices=get_args(Strategy))
MISSING = Form("missing", "data line", (DEFAULT,))


def read_missing(context: Context, scope: Scope, read: Read | None) -> Missing:
    """`missing mean`, `missing median age=drop`. Raises Told."""
    if read is None:
        return Missing()
    if not read.line.items:
        raise context.refuse(
            ValueNeeded(span=read.span, owner="missing", what="a word", example="missing mean")
        )
    default: Strategy | None = None
    columns: dict[str, tuple[Strategy, Span]] = {}
    for at, item in enumerate(read.line.items):
        if isinstance(item, tree.Option):
            name, strategy = _of_column(context, scope, item)
            if name in columns:
                raise context.refuse(GivenTwice(span=item.key.span, name=name))
            columns[name] = strategy, item.key.span
        elif at or isinstance(item, tree.Values):
            raise context.refuse(NotAColumn(span=item.span, text=item.span.text))
        else:
            default = _strategy(context, scope, item)
    return Missing(default, columns)


def _of_column(context: Context, scope: Scope, option: tree.Option) -> tuple[str, Strategy]:
    if isinstance(option.key, tree.Call):
        raise context.refuse(NotAColumn(span=option.key.span, text=option.key.span.text))
    return option.key.text, _strategy(context, scope, option.value)


def _strategy(context: Context, scope: Scope, value: tree.Value) -> Strategy:
    word = read_slot(context, scope, MISSING, DEFAULT, value)
    return next(strategy for strategy in get_args(Strategy) if strategy == word)


def check_missing(
    context: Context, missing: Missing, inputs: Iterable[Column], targets: Iterable[Column], rest: bool
) -> None:
    """The columns of `missing` are inputs or targets; with `rest` any other may be an input."""
    read, aims = set(_read(inputs)), set(_read(targets))
    for name, (strategy, span) in missing.columns.items():
        if name in aims and strategy != "drop":
            context.refuse(FilledTarget(span=span, name=name))
        elif name not in read | aims and not rest:
            similar = nearest(name, read | aims)
            context.refuse(MissingNothing(span=span, name=name, similar=similar))


def _read(columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        yield from column.reads
