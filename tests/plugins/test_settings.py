"""Values within the bounds of parameters that have no default, and how they are written in a spec."""

import pytest

from deltaplan.plugins.api import Attribute, activation, boolean, layer, number, required, whole
from deltaplan.plugins.contracts import Parameter
from deltaplan.plugins.settings import call, lines, numbers, settings, signature


@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"minimum": 0},
        {"above": 1000},
        {"minimum": 500, "maximum": 500.25},
        {"above": 7, "below": 7.5},
        {"maximum": -300},
        {"type": "whole", "minimum": 17, "maximum": 17},
        {"type": "whole", "above": 200.5, "below": 202},
        {"type": "boolean"},
    ],
)
def test_a_value_within_the_bounds(bounds):
    @activation("x", a=1.0)
    def x(u, a):
        return a * u

    parameter = Parameter("a", **bounds)
    found = settings(type(x)("x", (parameter,), "", expression=x.expression))["a"]
    assert parameter.allows(found)


def test_how_it_is_written():
    @activation("x", a=number(2.0), n=whole(3), on=boolean(True), b=required(above=0))
    def x(u, a, n, on, b):
        return a * b * u**n

    assert signature(x) == "x(a=2.0, n=3, on=true, b)"
    assert call(x) == "x(a=2.0, n=3, on=true, b=0.1)"
    assert numbers(x) == {"a": 2.0, "n": 3.0, "on": 1.0, "b": 0.1}


def test_a_layer_as_a_line():
    @layer(
        "x",
        Attribute("width", "size", required=True, positional=True),
        Attribute("kernel", "sides", required=True),
        Attribute("mode", "word", required=True, choices=("up", "down")),
        Attribute("rate", "number", default=0.5),
    )
    def x(builder, x, width, kernel, mode, rate):
        return x

    assert list(lines("x", x.attributes)) == ["x 3 kernel=2 mode=up", "x 3 kernel=3x2 mode=up"]
