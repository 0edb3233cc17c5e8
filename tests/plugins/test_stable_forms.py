"""Delicate forms as a user writes them, value and slope, beside the textbook's formula in mpmath."""

import math

import pytest
from mpmath import mp, mpf

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import argument, derivative, evaluate, where

u, b = argument("u"), argument("b", scalar=True)
EXTREMES = [
    -1e300,
    -1e3,
    -745.0,
    -40.0,
    -1.0,
    -1e-8,
    -1e-300,
    0.0,
    1e-300,
    1e-8,
    1.0,
    40.0,
    745.0,
    1e3,
    1e300,
]


def mp_sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def mp_cases(x, inside):
    return inside(x) if x > 0 else mpf(0)


FORMS = {  # as it is written, value and slope of the mathematics
    "log(1 + exp(u))": (ex.log(1 + ex.exp(u)), lambda x: mp.log(1 + mp.exp(x)), mp_sigmoid),
    "log1p(exp(u))": (ex.log1p(ex.exp(u)), lambda x: mp.log(1 + mp.exp(x)), mp_sigmoid),
    "log(exp(u) + exp(-u))": (
        ex.log(ex.exp(u) + ex.exp(-u)),
        lambda x: mp.log(mp.exp(x) + mp.exp(-x)),
        mp.tanh,
    ),
    "log(cosh(u))": (ex.log(ex.cosh(u)), lambda x: mp.log(mp.cosh(x)), mp.tanh),
    "log(sigmoid(u))": (ex.log(ex.sigmoid(u)), lambda x: mp.log(mp_sigmoid(x)), lambda x: mp_sigmoid(-x)),
    "log(1/(1 + exp(-u)))": (
        ex.log(1 / (1 + ex.exp(-u))),
        lambda x: mp.log(mp_sigmoid(x)),
        lambda x: mp_sigmoid(-x),
    ),
    "1/(1 + exp(-u))": (1 / (1 + ex.exp(-u)), mp_sigmoid, lambda x: mp_sigmoid(x) * mp_sigmoid(-x)),
    "exp(u)/(1 + exp(u))": (
        ex.exp(u) / (1 + ex.exp(u)),
        mp_sigmoid,
        lambda x: mp_sigmoid(x) * mp_sigmoid(-x),
    ),
    "u/(1 + exp(-u))": (
        u / (1 + ex.exp(-u)),
        lambda x: x * mp_sigmoid(x),
        lambda x: mp_sigmoid(x) + x * mp_sigmoid(x) * mp_sigmoid(-x),
    ),
    "u*sigmoid(u)": (
        u * ex.sigmoid(u),
        lambda x: x * mp_sigmoid(x),
        lambda x: mp_sigmoid(x) + x * mp_sigmoid(x) * mp_sigmoid(-x),
    ),
    "(exp(u) - exp(-u))/(exp(u) + exp(-u))": (
        (ex.exp(u) - ex.exp(-u)) / (ex.exp(u) + ex.exp(-u)),
        mp.tanh,
        lambda x: mp.sech(x) ** 2,
    ),
    "where(u > 0, log(u), 0)": (
        where(u > 0, ex.log(u), 0),
        lambda x: mp_cases(x, mp.log),
        lambda x: mp_cases(x, lambda x: 1 / x),
    ),
    "where(u > 0, u*log(u), 0)": (
        where(u > 0, u * ex.log(u), 0),
        lambda x: mp_cases(x, lambda x: x * mp.log(x)),
        lambda x: mp_cases(x, lambda x: mp.log(x) + 1),
    ),
    "where(u > 0, exp(-1/u), 0)": (
        where(u > 0, ex.exp(-1 / u), 0),
        lambda x: mp_cases(x, lambda x: mp.exp(-1 / x)),
        None,
    ),
    "where(u < 0, exp(u), 1 + u)": (
        where(u < 0, ex.exp(u), 1 + u),
        lambda x: mp.exp(x) if x < 0 else 1 + x,
        lambda x: mp.exp(x) if x < 0 else mpf(1),
    ),
}


def close(found, wanted):
    """To 15 digits, or 16 digits of 1 where the value is near 0."""
    wanted = float(wanted) if abs(wanted) < mpf("1.79e308") else math.copysign(math.inf, wanted)
    return found == pytest.approx(wanted, rel=4e-15, abs=4e-16)


@pytest.mark.parametrize("at", EXTREMES)
@pytest.mark.parametrize("name", FORMS)
def test_value_and_slope_at_extremes(name, at):
    written, value, slope = FORMS[name]
    with mp.workdps(700):
        assert close(evaluate(written, {"u": at}), value(mpf(at)))
        if slope is not None:
            assert close(evaluate(derivative(written, "u"), {"u": at}), slope(mpf(at)))


@pytest.mark.parametrize("at", EXTREMES)
@pytest.mark.parametrize("name", sorted(set(FORMS) - {"where(u > 0, exp(-1/u), 0)"}))
def test_the_second_derivative_is_a_number(name, at):
    """Where the first one is, it does not overflow: a Newton step needs it."""
    written = FORMS[name][0]
    second = derivative(derivative(written, "u"), "u")
    if abs(at) in (1e300, 1e-300) and "log(u)" in name:
        return  # 1/u² itself is none
    assert math.isfinite(evaluate(second, {"u": at}))


@pytest.mark.parametrize("values", [[1e3, -1e3], [-1e300, -1e300], [0.0], [800.0, 800.0, 799.0]])
def test_log_sum_exp(values):
    with mp.workdps(60):
        wanted = max(values) + mp.log(sum(mp.exp(mpf(x) - max(values)) for x in values))
    assert evaluate(ex.log(ex.sum(ex.exp(u))), {"u": values}) == pytest.approx(float(wanted), rel=1e-15)


def test_a_factor_is_not_lost_in_the_quotient():
    assert ex.sin(u) / (1 + ex.exp(-b * u)) is ex.sin(u) * ex.sigmoid(b * u)
    assert ex.to_text(u / (2 + ex.exp(u))) == "u/(2 + exp(u))"
    assert ex.to_text((ex.exp(-u) - ex.exp(u)) / (ex.exp(u) + ex.exp(-u))) == "tanh(-u)"
