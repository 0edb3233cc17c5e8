"""The tables of places: which lines may stand in the file and in each kind of braces."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.words import APPLIED, FOREIGN, FOREIGN_TRAIN_LINES, SIZES
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake, nearest
from deltaplan.dsl import tree
from deltaplan.dsl.stop import LOOPS
from deltaplan.records import dataclass


@mistake
class OutOfPlace(Diagnostic):
    code: ClassVar[str] = "out-of-place"
    title: ClassVar[str] = "`{head}` does not belong in {place}"
    help: ClassVar[str] = "it stands in {where}"
    head: str
    place: str
    where: str | None


@mistake
class StatedTwice(Diagnostic):
    code: ClassVar[str] = "stated-twice"
    title: ClassVar[str] = "`{head}` is stated twice"
    help: ClassVar[str] = "{mend}"
    head: str
    mend: str | None = None


@mistake
class MissingLine(Diagnostic):
    code: ClassVar[str] = "missing-line"
    title: ClassVar[str] = "`{place}` has no line `{head}`"
    label: ClassVar[str] = "add `{example}`"
    place: str
    head: str
    example: str


@mistake
class MisusedPart(Diagnostic):
    code: ClassVar[str] = "misused-part"
    title: ClassVar[str] = "`{head}` takes no {part}"
    help: ClassVar[str] = "{mend}"
    head: str
    part: str
    mend: str | None = None


@mistake
class BracesNeeded(Diagnostic):
    code: ClassVar[str] = "braces-needed"
    title: ClassVar[str] = "`{head}` needs lines in braces"
    label: ClassVar[str] = "add `{{ … }}`"
    head: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What a line of one kind may carry besides its items: a name before it, sources after `from` (how many
    at most), lines in braces; and whether it may stand only once."""

    target: bool = False
    sources: int = 0
    body: bool = False
    once: bool = False


LAYER = Rule(target=True, sources=1)
JOIN = Rule(target=True, sources=1_000_000)
BRACES = Rule(target=True, sources=1, body=True)
SETTING = Rule(once=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where lines stand. `expects` is what a line there is called, for messages about an unknown one."""

    name: str
    expects: str
    rules: Mapping[str, Rule]


BODY = {
    "activation": Rule(),
    "residual": BRACES,
    "repeat": BRACES,
    "apply": LAYER,
    **dict.fromkeys(("add", "sub", "mul", "concat"), JOIN),
}
FILE = Place(
    "the file",
    "line",
    {
        "use": Rule(),
        "import": Rule(),
        "param": Rule(),
        "assert": Rule(),
        **dict.fromkeys(("activation", "loss", "regularizer", "schedule"), Rule()),
        "block": Rule(body=True),
        "model": Rule(body=True),
        "data": Rule(body=True, once=True),
        "train": Rule(body=True, once=True),
        "sweep": Rule(body=True, once=True),
    },
)
MODEL = Place("`model`", "layer", BODY | {"input": Rule(target=True), "output": LAYER})
INNER = Place("inner braces", "layer", BODY)
RESIDUAL = Place("`residual`", "layer", BODY | {"shortcut": Rule(body=True, once=True)})
DATA = Place(
    "`data`",
    "data line",
    dict.fromkeys(("inputs", "targets", "split", "standardize", "missing"), SETTING)
    | {"multiply": Rule(), "augment": Rule()},
)
TRAIN = Place(
    "`train`",
    "train line",
    dict.fromkeys(
        (
            "minimize",
            "optimizer",
            "epochs",
            "steps",
            "batch",
            "seed",
            "precision",
            "monitor",
            "stop_early",
            "keep",
            "clip",
            "only",
            "warm_start",
            "record",
        ),
        SETTING,
    )
    | {"lr_scale": Rule()},
)
PLACES = (FILE, MODEL, RESIDUAL, DATA, TRAIN)
WHERE = {"the file": "the file, outside of braces"}


@dataclass(frozen=True, slots=True)
class Read:
    """A line that may stand where it stands."""

    head: str
    line: tree.Line

    @property
    def span(self) -> Span:
        """The head."""
        return head_span(self.line)


def read_lines(
    context: Context,
    place: Place,
    lines: Iterable[tree.Line],
    more: Mapping[str, Rule] | None = None,
    lost: Callable[[tree.Line], None] | None = None,
) -> Iterator[Read]:
    """The good lines of a place; mistakes of the others are told. `more` are heads besides those of the
    table, from the registry or defined in the spec; `lost` hears of the lines that are left out."""
    rules = {**(more or {}), **place.rules}
    seen: dict[str, Read] = {}
    for line in lines:
        read = context.attempt(_read, context, place, rules, line) if not line.broken else None
        if read is None:
            if lost:
                lost(line)
            continue
        if rules[read.head].once and read.head in seen:
            first = seen[read.head]
            notes = (Note("it stands here first", first.span),)
            mend = _as_one(first.line, line)
            context.refuse(StatedTwice(span=read.span, head=read.head, notes=notes, mend=mend))
            continue
        seen[read.head] = read
        yield read


LISTS = ("inputs", "targets", "standardize", "monitor", "only")  # one line for all


def _as_one(first: tree.Line, second: tree.Line) -> str | None:
    """`standardize inputs` and `standardize targets` are `standardize inputs, targets`."""
    lines = [(line, line.head.text) for line in (first, second) if isinstance(line.head, tree.Name)]
    items = [", ".join(item.span.text for item in line.items) for line, _ in lines]
    if not lines or lines[0][1] not in LISTS or not all(items) or items[0] == items[1]:
        return None
    return f"one line has both: `{lines[0][1]} {', '.join(items)}`"


def missing(
    context: Context, place: Place, span: Span, present: Container[str], examples: Mapping[str, str]
) -> None:
    """Tells which required lines are not there; `examples` has one for each."""
    for head, example in examples.items():
        if head not in present:
            name = place.name.strip("`")
            context.refuse(MissingLine(span=span, place=name, head=head, example=example))


def _read(context: Context, place: Place, rules: Mapping[str, Rule], line: tree.Line) -> Read:
    head, span = line.head, head_span(line)
    if head is None:
        raise _refuse_axis(context, place, rules, line)
    if isinstance(head, tree.Call):
        raise _refuse_call(context, place, rules, head)
    if head.text not in rules:
        raise _refuse_head(context, place, rules, head.text, span, line)
    _check_parts(context, rules[head.text], head.text, line)
    return Read(head.text, line)


def _refuse_axis(context: Context, place: Place, rules: Mapping[str, Rule], line: tree.Line) -> Told:
    """`epochs = 5` is `epochs 5`; elsewhere an axis belongs to a sweep."""
    if line.target and line.target.text in rules:
        mend = " ".join([line.target.text, *(item.span.text for item in line.items)])
        return context.refuse(OtherForm(span=line.span, written=line.span.text, mend=mend))
    return context.refuse(OutOfPlace(span=line.span, head=line.span.text, place=place.name, where=None))


def head_span(line: tree.Line) -> Span:
    return line.head.span if line.head else line.span


def _refuse_call(context: Context, place: Place, rules: Mapping[str, Rule], head: tree.Call) -> Told:
    """`Dense(45)` is `dense 45`."""
    if place is TRAIN and context.registry.find("optimizer", head.name.lower()):
        mend = f"optimizer {head.name.lower()}{head.span.text[len(head.name) :]}"
        return context.refuse(OtherForm(span=head.span, written=head.span.text, mend=mend))
    ours = FOREIGN.get(head.name.lower()) or nearest(head.name, rules)
    if head.name in rules or ours in rules:
        mend = f"{head.name if head.name in rules else ours} {_inner(head)}".strip()
        return context.refuse(OtherForm(span=head.span, written=head.span.text, mend=mend))
    return _refuse_head(context, place, rules, head.name, head.name_span, None)


def _inner(head: tree.Call) -> str:
    """What stands in the parentheses, as a line says it: `16, activation="relu"` as `16 relu`."""
    options = [item for item in (*head.items, *head.after) if isinstance(item, tree.Option)]
    values = [item.span.text for item in (*head.items, *head.after) if not isinstance(item, tree.Option)]
    if not options:
        return head.span.text[len(head.name) + 1 : -1]
    return " ".join([", ".join(values), *(_plain_option(option) for option in options)]).strip()


def _plain_option(option: tree.Option) -> str:
    name, value = option.key.span.text, option.value.span.text.strip("\"'")
    if name == "activation" or name.lower() in SIZES:
        return value
    return f"{FOREIGN.get(name, name)}={value}"


def _refuse_head(
    context: Context, place: Place, rules: Mapping[str, Rule], head: str, span: Span, line: tree.Line | None
) -> Told:
    mend = _foreign_line(place, head, line) if line else None
    if mend and line:
        return context.refuse(OtherForm(span=line.span, written=line.span.text, mend=mend))
    elsewhere = [each for each in PLACES if head in each.rules]
    if place.expects == "layer" and context.registry.find("activation", head):
        where = f"the line of a layer: `dense 5 {head}`"
        return context.refuse(OutOfPlace(span=span, head=head, place="a line of its own", where=where))
    if place.expects == "layer" and head in APPLIED:
        where = f"`apply`: `apply {head}`"
        return context.refuse(OutOfPlace(span=span, head=head, place="a line of its own", where=where))
    if elsewhere and not (line and _defines(line)):
        where = WHERE.get(elsewhere[0].name, f"{elsewhere[0].name[:-1]} {{ … }}`")
        return context.refuse(OutOfPlace(span=span, head=head, place=place.name, where=where))
    return unknown(context, place.expects, head, span, rules)


def _defines(line: tree.Line) -> bool:
    """`activation snake(u; a = 1.0) = …`"""
    return any(isinstance(item, tree.Option) and isinstance(item.key, tree.Call) for item in line.items)


def _foreign_line(place: Place, head: str, line: tree.Line) -> str | None:
    """The whole line as it is said here: `loss mse`, `inputs 4`."""
    given = " ".join(item.span.text for item in line.items)
    if place is TRAIN and head.lower() in FOREIGN_TRAIN_LINES:
        shown = FOREIGN.get(given.lower(), given) if given else "…"
        return FOREIGN_TRAIN_LINES[head.lower()].format(head if head in ("sgd", "adam") else shown)
    if place is MODEL and head in ("inputs", "outputs") and given[:1].isdigit():
        return f"{head[:-1]} {given}"
    if place.expects == "layer" and head in LOOPS:
        return f"repeat {_times(line)} {{ … }}"
    return None


def _times(line: tree.Line) -> str:
    """How often a loop of another language runs: `for 3`, `for i in range(3)`, `for i in [1, 2, 3]`."""
    match line.items:
        case [*_, tree.List(items=items)]:
            return str(len(items))
        case [*_, tree.Call(name="range", items=[count], after=())] | [*_, tree.Number() as count]:
            return count.span.text
    return "3"


def _check_parts(context: Context, rule: Rule, head: str, line: tree.Line) -> None:
    """Tells of every part that the line must not carry, or lacks."""
    faults: list[Diagnostic] = []
    if line.target and not rule.target:
        faults.append(MisusedPart(span=line.target.span, head=head, part="name"))
    if line.sources and not rule.sources:
        faults.append(MisusedPart(span=line.sources[0].span, head=head, part="`from`"))
    elif len(line.sources) > rule.sources:
        mend = "`concat` or `add` makes one of several"
        faults.append(MisusedPart(span=line.sources[1].span, head=head, part="second source", mend=mend))
    if line.body and not rule.body:
        faults.append(MisusedPart(span=line.body.span, head=head, part="lines in braces"))
    if rule.body and not line.body:
        faults.append(BracesNeeded(span=head_span(line), head=head))
    told = [context.refuse(fault) for fault in faults]
    if told:
        raise told[0]
