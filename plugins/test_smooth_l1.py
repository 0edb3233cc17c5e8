"""smooth_l1: between a parabola and l1, without a kink."""

import math
from pathlib import Path

import pytest

from deltaplan.plugins.expressions import derivative, evaluate, split_reductions, substitute
from deltaplan.plugins.expressions.analysis import kinks, slope_range
from deltaplan.plugins.loader import load_file

(SMOOTH_L1,) = load_file(Path(__file__).with_name("smooth_l1.py"))
(STAGE,) = split_reductions(SMOOTH_L1.expression).stages  # the sum over the numbers
EPS = 0.01


@pytest.mark.parametrize("w", [-3.0, -0.02, 0.0, 1e-4, 0.5])
def test_value_and_slope_of_one_number(w):
    given = {"w": w, "eps": EPS}
    size = math.hypot(w, EPS)
    assert evaluate(STAGE.element, given) == pytest.approx(size - EPS, rel=1e-12, abs=1e-17)
    assert evaluate(derivative(STAGE.element, "w"), given) == pytest.approx(w / size, rel=1e-12)


def test_the_value_is_a_sum_with_a_strength():
    value = evaluate(SMOOTH_L1.expression, {"w": [3.0, -4.0], "strength": 0.5, "eps": 1e-9})
    assert value == pytest.approx(0.5 * 7)


def test_it_has_no_kink_and_pulls_less_than_l1():
    own = substitute(STAGE.element, {"eps": EPS})
    assert kinks(own, "w") == ()
    low, high = slope_range(own, "w")
    assert low <= -1 + 1e-6
    assert high >= 1 - 1e-6
