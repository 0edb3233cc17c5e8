"""What a line or a call takes: slots with types and bounds, and values checked against them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot, Type
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.values import definition, describe, evaluate, is_number, unknown_value
from deltaplan.compiler.nodes import show_value
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Sides, Value

EXPECTED: dict[Type, str] = {
    "number": "a number",
    "whole": "a whole number",
    "size": "a size",
    "sides": "a size or several, `3` or `3x5`",
    "boolean": "`true` or `false`",
    "word": "a word",
    "text": "a text in quotes",
    "switch": "`true`, `false`, or a boolean param",
    "tree": "a value",
    "numbers": "a list of numbers",
}


@mistake
class WrongType(Diagnostic):
    code: ClassVar[str] = "wrong-type"
    title: ClassVar[str] = "{subject} takes {expected}, not {got}"
    subject: str
    expected: str
    got: str


@mistake
class OutOfBounds(Diagnostic):
    code: ClassVar[str] = "out-of-bounds"
    title: ClassVar[str] = "{subject} must be {bound}, and is {value}"
    help: ClassVar[str] = "{mend}"
    subject: str
    bound: str
    value: str
    mend: str | None = None


@mistake
class NotWhole(Diagnostic):
    code: ClassVar[str] = "not-whole"
    title: ClassVar[str] = "{subject} must be whole, and is {value}"
    help: ClassVar[str] = "{mend}"
    subject: str
    value: str
    mend: str | None = None


@mistake
class TooManyRepeats(Diagnostic):
    code: ClassVar[str] = "too-many-repeats"
    title: ClassVar[str] = "{count:,} repeats are more than the {limit:,} layers that a model may have"
    count: int
    limit: int


@mistake
class LongList(Diagnostic):
    code: ClassVar[str] = "long-list"
    title: ClassVar[str] = "`{name}` takes at most {limit:,} numbers, and {count:,} are given"
    name: str
    count: int
    limit: int


MOST_NUMBERS = 1000


def _comma_before(
    value: tree.Value | tree.Values, items: Sequence[tree.Value], word: tree.Value
) -> OtherForm:
    """`dense 16, relu` is `dense 16 relu`: an activation is no value of the list."""
    others = ", ".join(item.span.text for item in items if item is not word)
    return OtherForm(span=value.span, written=value.span.text, mend=f"{others} {word.span.text}")


def read_slot(context: Context, scope: Scope, form: Form, slot: Slot, value: tree.Value) -> Value:
    """The value of a slot, of its type and within its bounds. Raises Told."""
    match value:
        case tree.Name(text=text) if (
            text in slot.choices
        ):  # its own word, whatever a param of that name holds
            return text
        case tree.Times(factors=factors) if slot.type == "sides":
            return _sides(context, scope, form, slot, factors)
        case tree.List() if slot.type in ("size", "sides"):
            mend = ("x" if not slot.many else ", ").join(item.span.text for item in value.items)
            raise context.refuse(OtherForm(span=value.span, written=value.span.text, mend=mend))
        case tree.Name() | tree.Binary() if slot.type == "text" and scope.find(value.span.text) is None:
            mend = f'"{value.span.text}"'
            raise context.refuse(OtherForm(span=value.span, written=value.span.text, mend=mend))
        case tree.Name() if slot.choices and _is_unknown(scope, value):
            return _choice(context, form, slot, value.text, value)
        case tree.Name() if slot.type not in ("word", "switch") and _is_unknown(scope, value):
            raise context.refuse(unknown_value(scope, value))
    if slot.type == "sides" and not _is_choice(scope, slot, value):
        return _sides(context, scope, form, slot, (value,))
    result = evaluate(context, scope, value)
    if not _has_type(slot.type, result):
        raise _wrong(context, form, slot, value.span, describe(result), definition(scope, value))
    if slot.choices and isinstance(result, str):
        return _choice(context, form, slot, str(result), value)
    if is_number(result):
        assert isinstance(result, int | float)
        return _checked(context, form, slot, value, result)
    return result


def read_list(
    context: Context, scope: Scope, form: Form, slot: Slot, value: tree.Value | tree.Values
) -> tuple[Value, ...]:
    """`45x5, 1` as forty-five fives and a one. Raises Told, after the mistakes of all the values; no repeat
    over the bound is written out."""
    items = value.items if isinstance(value, tree.Values) else (value,)
    found: list[Value] = []
    wrong = False
    for item in items:
        word = item.name if isinstance(item, tree.Call) else item.span.text
        if found and word in form.words and scope.find(word) is None:
            raise context.refuse(_comma_before(value, items, item))
        count, each = _repeat(context, scope, form, item)
        if len(found) + count > context.limits.layers:
            raise context.refuse(
                TooManyRepeats(span=item.span, count=len(found) + count, limit=context.limits.layers)
            )
        read = context.attempt(read_slot, context, scope, form, slot, each)
        wrong |= read is None
        found += [read] * count
    if wrong:
        raise Told
    return tuple(found)


def read_numbers(
    context: Context, scope: Scope, form: Form, slot: Slot, value: tree.Value | tree.Values
) -> tuple[Value, ...]:
    """`[80, 120]`, or one number by itself. Raises Told."""
    items = value.items if isinstance(value, tree.List | tree.Values) else (value,)
    if not items:
        raise _wrong(context, form, slot, value.span, "an empty one")
    if len(items) > MOST_NUMBERS:
        raise context.refuse(LongList(span=value.span, name=slot.name, count=len(items), limit=MOST_NUMBERS))
    number = replace(slot, type="number")
    return tuple(read_slot(context, scope, form, number, item) for item in items)


def _repeat(context: Context, scope: Scope, form: Form, item: tree.Value) -> tuple[int, tree.Value]:
    match item:
        case tree.Times(factors=(count, each)):
            return int(str(read_slot(context, scope, form, REPEATS, count))), each
        case tree.Times():
            mend = "*".join(factor.span.text for factor in item.factors[:-1])
            last = item.factors[-1].span.text
            raise context.refuse(OtherForm(span=item.span, written=item.span.text, mend=f"({mend}) x {last}"))
    return 1, item


REPEATS = Slot("repeats", "whole", minimum=1)


def _sides(context: Context, scope: Scope, form: Form, slot: Slot, values: Iterable[tree.Value]) -> Sides:
    one = replace(slot, type="size" if slot.minimum is None else "whole", choices=())
    return Sides(int(str(read_slot(context, scope, form, one, value))) for value in values)


def _is_choice(scope: Scope, slot: Slot, value: tree.Value) -> bool:
    """Whether a word stands where sides or one of the choices may."""
    if not slot.choices or not isinstance(value, tree.Name):
        return False
    found = scope.find(value.text)
    return found is None or isinstance(found.meaning, str)


def _subject(form: Form, slot: Slot) -> str:
    return f"`{slot.name}`" if slot.name == form.owner else f"`{slot.name}` of `{form.owner}`"


def _choice(context: Context, form: Form, slot: Slot, text: str, value: tree.Value) -> str:
    if text in slot.choices:
        return text
    place = f" of `{slot.name}`"
    raise unknown(context, "value", text, value.span, slot.choices, place=place, list_known=True)


def _is_unknown(scope: Scope, name: tree.Name) -> bool:
    return scope.find(name.text) is None and name.text not in ("true", "false")


def _has_type(kind: Type, value: Value) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "switch":
            return isinstance(value, bool | str)
        case "word" | "text" | "sides":
            return isinstance(value, str)
    return is_number(value)


def _wrong(
    context: Context, form: Form, slot: Slot, span: Span, got: str, notes: tuple[Note, ...] = ()
) -> Told:
    subject, expected = _subject(form, slot), EXPECTED[slot.type]
    return context.refuse(WrongType(span=span, subject=subject, expected=expected, got=got, notes=notes))


def _checked(context: Context, form: Form, slot: Slot, value: tree.Value, result: int | float) -> int | float:
    shown = f"{result:,}" if isinstance(result, int) else show_value(result)
    if slot.type in ("size", "whole"):
        if result != int(result):
            divided = isinstance(value, tree.Binary) and value.op == "/"
            mend = "`//` divides and rounds down" if divided else None
            raise context.refuse(
                NotWhole(span=value.span, subject=_subject(form, slot), value=shown, mend=mend)
            )
        result = int(result)
    largest = context.limits.bytes // 4 if slot.type == "size" else None
    for bound in _broken_bounds(slot, result, largest):
        subject = _subject(form, slot)
        mistake = OutOfBounds(
            span=value.span,
            subject=subject,
            bound=bound,
            value=shown,
            mend=_comma(value) if result < 1 else _share(slot, value, result),
        )
        raise context.refuse(mistake)
    return result


def _share(slot: Slot, value: tree.Value, result: float) -> str | None:
    """80 where a share of 1 is asked for."""
    least = slot.minimum if slot.minimum is not None else slot.above
    most = slot.maximum if slot.maximum is not None else slot.below
    if least == 0 and most == 1 and 2 <= result <= 100 and isinstance(value, tree.Number):
        return f"a share is written `{show_value(result)}%` or `{show_value(result / 100)}`"
    return None


def _comma(value: tree.Value) -> str | None:
    """`dense 3 -5` is a difference."""
    if isinstance(value, tree.Binary) and value.op == "-":
        return f"`{value.span.text}` is a difference; a comma stands between values"
    return None


def _broken_bounds(slot: Slot, value: int | float, largest: int | None) -> Iterator[str]:
    if slot.type == "size" and value < 1:
        yield "at least 1"
    if largest is not None and value > largest:
        yield f"at most {largest:,} (the memory that a model may take)"
    if slot.minimum is not None and value < slot.minimum:
        yield f"at least {show_value(slot.minimum)}"
    if slot.above is not None and value <= slot.above:
        yield f"above {show_value(slot.above)}"
    if slot.maximum is not None and value > slot.maximum:
        yield f"at most {show_value(slot.maximum)}"
    if slot.below is not None and value >= slot.below:
        yield f"below {show_value(slot.below)}"
