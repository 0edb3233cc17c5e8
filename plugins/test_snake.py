"""snake against its formula in plain floats."""

import math
from pathlib import Path

import pytest

from deltaplan.plugins.expressions import derivative, evaluate, substitute
from deltaplan.plugins.expressions.analysis import kinks, slope_range
from deltaplan.plugins.loader import load_file

(SNAKE,) = load_file(Path(__file__).with_name("snake.py"))


@pytest.mark.parametrize("a", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("u", [-40.0, -1.3, 0.0, 0.2, 2.0, 1e3])
def test_value_and_slope(u, a):
    value, slope = SNAKE.expression, derivative(SNAKE.expression, "u")
    assert evaluate(value, {"u": u, "a": a}) == pytest.approx(
        u + (1 - math.cos(2 * a * u)) / (2 * a), abs=1e-12
    )
    assert evaluate(slope, {"u": u, "a": a}) == pytest.approx(1 + math.sin(2 * a * u), abs=1e-12)


def test_it_is_smooth_and_never_falls():
    own = substitute(SNAKE.expression, {"a": 1.0})
    low, high = slope_range(own, "u")
    assert kinks(own, "u") == ()
    assert low <= 0.0
    assert high >= 2.0


def test_what_a_spec_may_give():
    (a,) = SNAKE.parameters
    assert a.default == 1.0
    assert a.allows(30)
    assert not a.allows(0)
