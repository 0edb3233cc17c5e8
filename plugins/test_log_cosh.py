"""log_cosh against its formula in plain floats, near zero and where cosh itself would overflow."""

import math
from pathlib import Path

import pytest

from deltaplan.plugins.expressions import derivative, evaluate, split_reductions, substitute
from deltaplan.plugins.expressions.analysis import kinks
from deltaplan.plugins.loader import load_file

(LOG_COSH,) = load_file(Path(__file__).with_name("log_cosh.py"))
(STAGE,) = split_reductions(LOG_COSH.expression).stages  # the sum, whose element is log cosh(u − y)


def test_the_value_is_a_sum_over_the_outputs():
    given = {"u": [0.3, -1.2, 2.5], "y": [1.0, 0.0, 2.5]}
    expected = sum(math.log(math.cosh(u - y)) for u, y in zip(given["u"], given["y"], strict=True))
    assert evaluate(LOG_COSH.expression, given) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("u", [-1e4, -20.0, -0.7, 0.0, 1e-3, 5.0, 1e4])
def test_value_and_slope_of_one_output(u):
    given = {"u": u, "y": 0.0}
    expected = abs(u) + math.log1p(math.exp(-2 * abs(u))) - math.log(2)
    assert evaluate(STAGE.element, given) == pytest.approx(expected, rel=1e-14, abs=1e-15)
    assert evaluate(derivative(STAGE.element, "u"), given) == pytest.approx(math.tanh(u), rel=1e-12)


def test_it_is_smooth_and_convex():
    own = substitute(STAGE.element, {"y": 0.0})
    assert kinks(own, "u") == ()
    assert LOG_COSH.convex
