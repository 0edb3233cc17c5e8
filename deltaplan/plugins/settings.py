"""What a writer of a spec may set: how it is written, and values: the defaults, and a number within the
bounds where there is none."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor

from deltaplan.plugins.contracts import Attribute, Contribution, Parameter, Sides

NUMBERS = (0.1, 0.5, 1.0, 2.0, 3.0, 10.0, 0.01, 1e-4, 100.0, 0.0, -0.5, -1.0, -2.0, -10.0)
TIMES = (1.0, 2.0)  # for a list of numbers
Setting = float | bool | str | Sides | tuple[float, ...]


class NoValue(Exception):  # noqa: N818
    """No value is known that the contribution would take."""


def settings(contribution: Contribution) -> dict[str, Setting]:
    """A value for each parameter; those that are times are left to the run."""
    return {p.name: _value(p) for p in contribution.parameters if p.type != "length"}


def numbers(contribution: Contribution) -> dict[str, float]:
    """The same without the lists, as plain numbers, and with 4 for a time: for expressions."""
    given = {name: v for name, v in settings(contribution).items() if isinstance(v, int | float)}
    lengths = {p.name: float(p.default or 4) for p in contribution.parameters if p.type == "length"}
    return {name: float(value) for name, value in given.items()} | lengths


def signature(contribution: Contribution) -> str:
    """As a spec writes it: `adam(lr=0.001, …)`, `dropout RATE`; what has no default must be given."""
    attributes: tuple[Attribute, ...] = getattr(contribution, "attributes", ())
    words = [a.name.upper() if a.positional else _named(a.name, a.default, a.required) for a in attributes]
    settings = ", ".join(_named(p.name, p.default, p.required) for p in contribution.parameters)
    return " ".join([contribution.name + (f"({settings})" if settings else ""), *words])


def _named(name: str, default: object, required: bool) -> str:
    if required:
        return name
    shown = str(default).lower() if isinstance(default, bool) else "…" if default is None else f"{default}"
    return f"{name}={shown}"


def call(contribution: Contribution, given: Mapping[str, Setting] | None = None) -> str:
    """As a spec writes it: `snake(a=1.0)`."""
    given = settings(contribution) if given is None else given
    values = ", ".join(f"{name}={written(value)}" for name, value in given.items())
    return f"{contribution.name}({values})" if values else contribution.name


def lines(name: str, attributes: Sequence[Attribute]) -> Iterator[str]:
    """A layer as lines that it may take: `gated 3 depth=2`; what has a default is left out."""
    for sides in (Sides((2,)), Sides((3, 2))):
        given = {
            a: sides if a.type == "sides" and not a.choices else _attribute(a)
            for a in attributes
            if a.required
        }
        words = [written(v) if a.positional else f"{a.name}={written(v)}" for a, v in given.items()]
        yield " ".join([name, *words])
        if not any(a.type == "sides" for a in given):
            return


def written(value: Setting) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple) and not isinstance(value, Sides):
        return f"[{', '.join(map(written, value))}]"
    return f"{value!r}" if isinstance(value, float) else str(value)


def _value(parameter: Parameter) -> Setting:
    if parameter.default is not None:
        return parameter.default
    if parameter.type == "numbers":
        return TIMES
    allowed = [n for n in (*NUMBERS, *_within(parameter)) if parameter.allows(n)]
    if not allowed:
        raise NoValue(f"no value is known for `{parameter.name}`: it is {parameter.condition}")
    return allowed[0]


def _within(p: Parameter) -> Iterator[float]:
    """Numbers between the bounds, whole ones among them."""
    lows = [b for b in (p.minimum, p.above) if b is not None]
    highs = [b for b in (p.maximum, p.below) if b is not None]
    low = max(lows) if lows else min(highs, default=0.0) - 2
    high = min(highs) if highs else low + 2
    for number in ((low + high) / 2, low, high):
        yield number
        yield float(floor(number))
        yield float(ceil(number))
    if p.type == "boolean":
        yield False


def _attribute(attribute: Attribute) -> Setting:
    if attribute.choices:
        return attribute.choices[0]
    match attribute.type:
        case "boolean":
            return True
        case "size" | "whole":
            return int(max(3, attribute.minimum or 0))
        case "number":
            bounds = Parameter(
                attribute.name,
                minimum=attribute.minimum,
                above=attribute.above,
                maximum=attribute.maximum,
                below=attribute.below,
            )
            return _value(bounds)
    raise NoValue(f"no value is known for the {attribute.type} `{attribute.name}`")
