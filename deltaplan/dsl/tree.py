"""The tree of a spec: what the writer wrote, each piece with its span, nothing looked up.

Two trees are equal when they say the same, wherever it stands: spans do not take part in comparisons.
"""

from dataclasses import field

from deltaplan.diagnostics import Source, Span
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, unit applied: `45`, `1e-2`, `80%` is 0.8, `64k`; a whole one is an int."""

    value: int | float
    text: str = field(compare=False)  # as written, for printing it back
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A string: `"wave.csv"`."""

    value: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A word, or a dotted path: `relu`, `use.conv1`."""

    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`leaky_relu(0.01)`, `adam(lr=1e-2)`, `snake(u; a = 1.0)`: name, values and options, those after `;`."""

    name: str
    items: "tuple[Value | Option, ...]"
    after: "tuple[Value | Option, ...]"
    name_span: Span = field(compare=False)
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class List:
    """`[3, 5, 10]`"""

    items: "tuple[Value, ...]"
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`"""

    op: str
    operand: "Value"
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """`+ - * / // ^` and the comparisons `<= >= < > == !=`"""

    op: str
    left: "Value"
    right: "Value"
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Times:
    """`45x5` or `28x28x1`: what it means depends on its place."""

    factors: "tuple[Value, ...]"
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """`0..9`, both ends included."""

    first: Number
    last: Number
    span: Span = field(compare=False)


Value = Number | Text | Name | Call | List | Unary | Binary | Times | Range


@dataclass(frozen=True, slots=True)
class Values:
    """Values separated by commas on a line: `45x5, 1`. Always at least two; one value stands by itself."""

    items: tuple[Value, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Option:
    """`name=value`; the key is a call in `snake(u; a = 1.0) = …`."""

    key: Name | Call
    value: Value
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Body:
    """`{ … }` and its lines."""

    lines: "tuple[Line, ...]"
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """`[target =] head items [from sources] [{ body }]`.

    In a sweep an axis `depth = [3, 5]` has a target and no head: the axis is its one item. A line that could
    not be read has neither target nor head nor items and is marked `broken`.
    """

    target: Name | None
    head: Name | Call | None
    items: tuple[Value | Values | Option, ...]
    sources: tuple[Name, ...]
    body: Body | None
    span: Span = field(compare=False)  # without the body
    broken: bool = False
    comment: str = field(default="", compare=False)  # to be printed after the line; the parser reads none


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole file."""

    lines: tuple[Line, ...]
    source: Source = field(compare=False)
