"""pinball: its two lines, its kink, and that its minimum is the quantile."""

from pathlib import Path

import pytest

from deltaplan.plugins.expressions import derivative, evaluate, split_reductions, substitute
from deltaplan.plugins.expressions.analysis import is_piecewise_affine, kinks
from deltaplan.plugins.loader import load_file

(PINBALL,) = load_file(Path(__file__).with_name("pinball.py"))
(STAGE,) = split_reductions(PINBALL.expression).stages  # the sum over the outputs


def test_the_value_is_a_sum_over_the_outputs():
    given = {"u": [1.0, 4.0], "y": [3.0, 1.0], "tau": 0.9}
    assert evaluate(PINBALL.expression, given) == pytest.approx(0.9 * 2 + 0.1 * 3, rel=1e-15)


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(("u", "y"), [(1.0, 3.0), (3.0, 1.0), (-2.0, -2.5)])
def test_the_slope_is_one_of_two(u, y, tau):
    slope = derivative(STAGE.element, "u")
    assert evaluate(slope, {"u": u, "y": y, "tau": tau}) == pytest.approx(-tau if y > u else 1 - tau)


def test_its_only_kink_is_at_the_target():
    own = substitute(STAGE.element, {"y": 0.25, "tau": 0.3})
    assert kinks(own, "u") == (0.25,)
    assert is_piecewise_affine(own, "u")


@pytest.mark.parametrize(("tau", "quantile"), [(0.1, 1.0), (0.5, 5.0), (0.9, 9.0)])
def test_its_minimum_is_the_quantile(tau, quantile):
    targets = [float(y) for y in range(11)]

    def total(u):
        return evaluate(PINBALL.expression, {"u": [u] * len(targets), "y": targets, "tau": tau})

    assert min((u / 2 for u in range(21)), key=total) == quantile
