"""How a plugin declares its parameters: `alpha=1.0`, `lr=number(1e-3, above=0)`, `k=required(above=0)`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypedDict, Unpack

from deltaplan.plugins.contracts import Parameter

Declared = Parameter | float | int | bool


class Bounds(TypedDict, total=False):
    """minimum <= value, above < value, value <= maximum, value < below"""

    minimum: float
    above: float
    maximum: float
    below: float


def number(default: float, **bounds: Unpack[Bounds]) -> Parameter:
    """A number with a default, and what it may be."""
    return Parameter("", default, "number", **bounds)


def whole(default: int, **bounds: Unpack[Bounds]) -> Parameter:
    """A whole number with a default, and what it may be."""
    return Parameter("", default, "whole", **bounds)


def boolean(default: bool) -> Parameter:
    """true or false; in the expression 1 or 0, and `where(it, a, b)` chooses by it."""
    return Parameter("", default, "boolean")


def numbers(**bounds: Unpack[Bounds]) -> Parameter:
    """A list of numbers that the writer of a spec must give, and what each may be; for schedules."""
    return Parameter("", None, "numbers", **bounds)


def length() -> Parameter:
    """A number of epochs or steps, by default the length of the run; for schedules."""
    return Parameter("", None, "length", above=0)


def required(type: Literal["number", "whole"] = "number", /, **bounds: Unpack[Bounds]) -> Parameter:
    """A number, or a whole one, that the writer of a spec must give."""
    return Parameter("", None, type, **bounds)


def named(declared: Mapping[str, Declared]) -> tuple[Parameter, ...]:
    """The parameters with their names; a plain value is a default without bounds."""
    return tuple(_parameter(name, value) for name, value in declared.items())


def _parameter(name: str, value: Declared) -> Parameter:
    if isinstance(value, Parameter):
        return replace(value, name=name)
    return Parameter(name, value, "boolean" if isinstance(value, bool) else "number")
