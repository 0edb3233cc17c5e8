"""swish against its formula in plain floats, and its neighbours silu and relu."""

import math
from pathlib import Path

import pytest

from deltaplan.plugins.expressions import derivative, evaluate, substitute
from deltaplan.plugins.expressions.analysis import kinks
from deltaplan.plugins.loader import load_file

(SWISH,) = load_file(Path(__file__).with_name("swish.py"))


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("u", [-30.0, -1.3, 0.0, 0.2, 4.0])
def test_value_and_slope(u, beta):
    given, s = {"u": u, "beta": beta}, 1 / (1 + math.exp(-beta * u))
    assert evaluate(SWISH.expression, given) == pytest.approx(u * s, rel=1e-14)
    slope = evaluate(derivative(SWISH.expression, "u"), given)
    assert slope == pytest.approx(s + beta * u * s * (1 - s), rel=1e-12, abs=1e-15)


def test_it_is_smooth():
    assert kinks(substitute(SWISH.expression, {"beta": 2.0}), "u") == ()


@pytest.mark.parametrize("u", [-800.0, -3.0, 3.0, 800.0])
def test_a_large_beta_gives_relu(u):
    assert evaluate(SWISH.expression, {"u": u, "beta": 1e3}) == pytest.approx(max(u, 0.0))


def test_beta_0_gives_a_line():
    assert evaluate(SWISH.expression, {"u": 3.0, "beta": 0.0}) == 1.5
