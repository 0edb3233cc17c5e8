"""`sweep { hidden = [3, 5]; seed = 0..9 }`: params, and the values that trials give them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from deltaplan.compiler.build.binding import GivenTwice, ValueNeeded, bind, bind_call
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.params import UnknownParam, checked, checked_seed
from deltaplan.compiler.build.places import MisusedPart, Read, head_span
from deltaplan.compiler.build.sayable import same
from deltaplan.compiler.build.scope import LOST, Scope
from deltaplan.compiler.build.values import describe, evaluate
from deltaplan.compiler.nodes import show_value
from deltaplan.compiler.sweeps import SEED, Axis, Distribution, Sweep
from deltaplan.diagnostics import Diagnostic, Note, mistake, nearest
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Value


@mistake
class NoRange(Diagnostic):
    code: ClassVar[str] = "no-range"
    title: ClassVar[str] = "`{text}` {fault}"
    help: ClassVar[str] = "{mend}"
    text: str
    fault: str
    mend: str


@mistake
class DrawnInGrid(Diagnostic):
    code: ClassVar[str] = "drawn-in-grid"
    title: ClassVar[str] = "a grid has no end where `{name}` is drawn from a distribution"
    help: ClassVar[str] = "`sweep random=20 {{` draws so many settings"
    name: str


@mistake
class WrongAxis(Diagnostic):
    code: ClassVar[str] = "wrong-axis"
    title: ClassVar[str] = "`{name}` is {expected}, and this is {got}"
    help: ClassVar[str] = "{mend}"
    name: str
    expected: str
    got: str
    mend: str | None = None


@mistake
class TooManyTrials(Diagnostic):
    code: ClassVar[str] = "too-many-trials"
    title: ClassVar[str] = "{count:,} trials are more than the {limit:,} that a sweep may have"
    help: ClassVar[str] = "`sweep random=1000 {{` draws some of them"
    count: int
    limit: int


MOST_TRIALS = 100_000
FORM = Form("sweep", "line", (Slot("random", "whole", minimum=1), Slot("seed", "whole", minimum=0)))
DISTRIBUTIONS = {
    name: Form(
        name,
        "distribution",
        (
            Slot("low", "number", required=True, positional=True, above=least),
            Slot("high", "number", required=True, positional=True),
            Slot("whole", "boolean", False),
        ),
    )
    for name, least in {"uniform": None, "log_uniform": 0}.items()
}


def build_sweep(context: Context, scope: Scope, given: Mapping[str, Value], read: Read) -> Sweep | None:
    """The sweep; every mistake is told, and None given where one was. A param that is `given` is swept no
    more: it has that value alone."""
    assert read.line.body is not None, "the table of the file asks for braces"
    before = len(context.problems.errors)
    settings = context.attempt(bind, context, scope, FORM, read.line.items, read.span)
    axes = _axes(context, scope, read.line.body.lines)
    if settings is None or len(context.problems.errors) > before:
        return None
    if not axes:
        example = "seed = 0..9"
        context.refuse(ValueNeeded(span=read.span, owner="sweep", what="an axis", example=example))
        return None
    random, seed = (settings.values.get(name) for name in ("random", "seed"))
    axes = [replace(a, values=(given[a.name],)) if a.name in given else a for a in axes]
    sweep = Sweep(tuple(axes), read.line.span, _whole(random), _whole(seed) or 0)
    if random is None and "seed" in settings.spans:
        mend = "a grid draws nothing; `sweep random=20 seed=1 {` does"
        context.refuse(MisusedPart(span=settings.spans["seed"], head="sweep", part="seed", mend=mend))
    return sweep if context.attempt(_check, context, sweep, read) else None


def _whole(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _check(context: Context, sweep: Sweep, read: Read) -> bool:
    """Raises Told where the trials have no end or are too many."""
    drawn = [axis for axis in sweep.axes if axis.is_drawn]
    if drawn and sweep.random is None:
        raise context.refuse(DrawnInGrid(span=drawn[0].span, name=drawn[0].name))
    if sweep.trials > MOST_TRIALS:
        raise context.refuse(TooManyTrials(span=read.span, count=sweep.trials, limit=MOST_TRIALS))
    return True


def _axes(context: Context, scope: Scope, lines: Iterable[tree.Line]) -> list[Axis]:
    found: dict[str, Axis] = {}
    for line in lines:
        axis = context.attempt(_axis, context, scope, line) if not line.broken else None
        if axis is None:
            continue
        if axis.name in found:
            notes = (Note("it is given here first", found[axis.name].span),)
            context.refuse(GivenTwice(span=axis.span, name=axis.name, notes=notes))
        found.setdefault(axis.name, axis)
    return list(found.values())


def _axis(context: Context, scope: Scope, line: tree.Line) -> Axis:
    """`hidden = [3, 5]`. Raises Told."""
    name, value = _parts(context, line)
    definition = scope.names.get(name.text)
    if definition is None and name.text != SEED:
        known = ", ".join(f"`{each}`" for each in (*scope.names, SEED))
        similar = nearest(name.text, [*scope.names, SEED])
        mend = "" if similar else f"; `param {name.text} = …` makes one"
        raise context.refuse(
            UnknownParam(span=name.span, name=name.text, known=known, similar=similar, mend=mend)
        )
    if definition is not None and definition.meaning is LOST:
        raise Told
    own = 0 if definition is None else definition.meaning
    assert own is None or isinstance(own, int | float | str)
    values = _values(context, scope, name, own, value, definition is None)
    return Axis(name.text, values, name.span, param=definition is not None)


def _parts(context: Context, line: tree.Line) -> tuple[tree.Name, tree.Value]:
    """The param and what stands behind its `=`. Raises Told."""
    if line.target is None:
        items = [item.span.text for item in line.items]
        mend = f"{head_span(line).text} = " + (
            items[0] if len(items) == 1 else f"[{', '.join(items) or '…'}]"
        )
        raise context.refuse(OtherForm(span=line.span, written=line.span.text, mend=mend))
    head = (line.head,) if line.head else ()
    match (*head, *line.items):
        case (tree.Values() | tree.Option(), *_):
            pass
        case (value,) if not line.sources and not line.body:
            return line.target, value
    mend = f"{line.target.text} = [{', '.join(item.span.text for item in (*head, *line.items))}]"
    raise context.refuse(OtherForm(span=line.span, written=line.span.text, mend=mend))


def _values(
    context: Context, scope: Scope, name: tree.Name, own: Value, value: tree.Value, seed: bool
) -> Sequence[Value] | Distribution:
    """What an axis takes, each of the type of the param's own value. Raises Told."""
    match value:
        case tree.Range():
            numbers = _range(context, value)
            checked(context, name.text, value.span, own, numbers[0])
            return numbers
        case tree.Call():
            return _distribution(context, scope, name, own, value, seed)
    items = value.items if isinstance(value, tree.List) else (value,)
    found = [context.attempt(_value, context, scope, name.text, own, item, seed) for item in items]
    if not items:
        example = f"{name.text} = [{describe(own).strip('`')}]"
        raise context.refuse(ValueNeeded(span=value.span, owner=name.text, what="values", example=example))
    if None in found:
        raise Told
    _refuse_repeats(context, found, items)
    return tuple(found)


def _value(context: Context, scope: Scope, name: str, own: Value, item: tree.Value, seed: bool) -> Value:
    value = evaluate(context, scope, item)
    return checked_seed(context, item.span, value) if seed else checked(context, name, item.span, own, value)


def _refuse_repeats(context: Context, values: Sequence[Value], items: Sequence[tree.Value]) -> None:
    for at, value in enumerate(values):
        first = next((i for i in range(at) if same(values[i], value)), None)
        if first is not None:
            notes = (Note("it is given here first", items[first].span),)
            raise context.refuse(GivenTwice(span=items[at].span, name=items[at].span.text, notes=notes))


def _range(context: Context, value: tree.Range) -> range:
    first, last = value.first.value, value.last.value
    text = value.span.text
    if not (isinstance(first, int) and isinstance(last, int)):
        mend = "a range has whole ends; a list says numbers: `[0.5, 1]`"
        raise context.refuse(
            NoRange(span=value.span, text=text, fault="has an end that is not whole", mend=mend)
        )
    if first > last:
        mend = f"the smaller end stands first: `{last}..{first}`"
        raise context.refuse(NoRange(span=value.span, text=text, fault="holds no number", mend=mend))
    if last - first >= MOST_TRIALS:
        raise context.refuse(TooManyTrials(span=value.span, count=last - first + 1, limit=MOST_TRIALS))
    return range(first, last + 1)


def _distribution(
    context: Context, scope: Scope, name: tree.Name, own: Value, call: tree.Call, seed: bool
) -> Distribution:
    """`log_uniform(1e-4, 1e-1)`. Raises Told."""
    if call.name not in DISTRIBUTIONS:
        raise unknown(context, "distribution", call.name, call.name_span, DISTRIBUTIONS, list_known=True)
    if seed or isinstance(own, bool | str):
        expected = (
            "the seed of training" if seed else "`true` or `false`" if isinstance(own, bool) else "a word"
        )
        mend = f"its values are listed: `{name.text} = {'0..9' if seed else '[…]'}`"
        got = "a distribution of numbers"
        raise context.refuse(WrongAxis(span=call.span, name=name.text, expected=expected, got=got, mend=mend))
    values = bind_call(context, scope, DISTRIBUTIONS[call.name], call).values
    low, high, whole = (values[slot] for slot in ("low", "high", "whole"))
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if low >= high:
        mend = f"the smaller end stands first: `{call.name}({show_value(high)}, {show_value(low)})`"
        mend = mend if low > high else f"one value is a list: `{name.text} = [{show_value(low)}]`"
        raise context.refuse(NoRange(span=call.span, text=call.span.text, fault="holds no number", mend=mend))
    if whole and not (low == int(low) and high == int(high)):
        mend = "whole numbers are drawn between whole ends"
        raise context.refuse(
            NoRange(span=call.span, text=call.span.text, fault="has an end that is not whole", mend=mend)
        )
    return Distribution("log_uniform" if call.name == "log_uniform" else "uniform", low, high, bool(whole))
