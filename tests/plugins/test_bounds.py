"""Intervals, ranges, kinks and gains of expressions."""

import math
from math import inf

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mp_reference import OutsideDomain, exact
from test_derivatives import EXPRESSIONS

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import argument, evaluate, to_text, where
from deltaplan.plugins.expressions.analysis import gain, is_piecewise_affine, kinks, slope_range, value_range
from deltaplan.plugins.expressions.intervals import interval

u = argument("u")
HARD_TANH = ex.maximum(ex.minimum(u, 1), -1)
SILU = u * ex.sigmoid(u)


@settings(max_examples=200)
@given(EXPRESSIONS, st.floats(-5, 5), st.floats(0, 4), st.floats(0, 1))
def test_intervals_hold_what_they_bound(expr, low, width, part):
    at = low + width * part
    bounds = interval(expr, {"u": (low, max(low + width, at))})
    try:
        value = exact(expr, {"u": at})
    except OutsideDomain:
        return
    assert bounds[0] <= value <= bounds[1], to_text(expr)


@example(ex.exp(where(u > u, u, -2)), [0.0])  # a constant of its own: not rounded before it is bounded
@settings(max_examples=60)
@given(EXPRESSIONS, st.lists(st.floats(-30, 30), min_size=5, max_size=5))
def test_ranges_hold_what_they_bound(expr, points):
    bounds = value_range(expr, "u")
    for at in points:
        try:
            value = exact(expr, {"u": at})
        except OutsideDomain:
            continue
        assert bounds[0] <= value <= bounds[1], to_text(expr)


@pytest.mark.parametrize(
    ("expr", "box", "bounds"),
    [
        (u * u, (-2, 3), (0, 9)),
        (u**3, (-2, 3), (-8, 27)),
        (1 / u, (0, 2), (0.5, inf)),
        (1 / u, (-2, 0), (-inf, -0.5)),
        (1 / u, (-1, 1), (-inf, inf)),
        (u**-2, (-1, 1), (0, inf)),
        (abs(u), (-3, 2), (0, 3)),
        (ex.tanh(u), (-inf, inf), (-1, 1)),
        (ex.sin(u), (0, 4), (None, 1)),
        (ex.cos(u), (1, 7), (-1, 1)),
        (ex.exp(u), (-inf, 0), (0, 1)),
        (where(u > 1, 5, u), (-3, 1), (-3, 1)),
        (ex.sum(u * u), (-1, 2), (0, inf)),
        (ex.mean(u), (-1, 2), (-1, 2)),
    ],
)
def test_intervals_are_tight_where_they_can_be(expr, box, bounds):
    found = interval(expr, {"u": box})
    for end, wanted in zip(found, bounds, strict=True):
        assert wanted is None or end == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize(
    ("expr", "slopes"),
    [
        (HARD_TANH, (0, 1)),
        (abs(u), (-1, 1)),
        (ex.softplus(u), (0, 1)),
        (ex.log(ex.cosh(u)), (-1, 1)),
        (3 * ex.tanh(u / 2), (0, 1.5)),
        (0.5 * ex.sigmoid(u), (0, 0.125)),
        (ex.sin(u), (-1, 1)),
        (u + ex.sin(u) ** 2, (None, None)),
        (ex.exp(u), (0, inf)),
    ],
)
def test_slope_ranges(expr, slopes):
    for end, wanted in zip(slope_range(expr, "u"), slopes, strict=True):
        assert wanted is None or end == wanted


def test_subdivision_closes_in():
    gaussian = ex.exp(-(u * u))
    low, high = slope_range(ex.exp(-(u * u)) + ex.tanh(u), "u")
    assert value_range(gaussian, "u") == (0.0, 1.0)
    slope = ex.derivative(gaussian + ex.tanh(u), "u")
    sampled = evaluate(slope, {"u": [i / 1000 for i in range(-5000, 5000)]})
    assert low <= min(sampled)
    assert high >= max(sampled)


@pytest.mark.parametrize(
    ("expr", "points"),
    [
        (ex.maximum(u, 0), (0.0,)),
        (HARD_TANH, (-1.0, 1.0)),
        (abs(abs(u) - 1), (-1.0, 0.0, 1.0)),
        (where(u > 0, u, ex.expm1(u)), ()),
        (where(u > 0, u, 2 * ex.expm1(u)), (0.0,)),
        (where(2 * u + 1 >= 0, 1, 0), (-0.5,)),
        (where((u > -1) & (u < 1), u * u, 1), (-1.0, 1.0)),
        (where(u > 0, u * u, 0), ()),
        (ex.sign(u - 3), (3.0,)),
        (abs(u) * abs(u), ()),
        (ex.tanh(u), ()),
    ],
)
def test_kinks(expr, points):
    assert kinks(expr, "u") == points


@pytest.mark.parametrize(
    ("expr", "holds"),
    [(HARD_TANH, True), (abs(abs(u) - 1), True), (u, True), (abs(u) * u, False), (SILU, False)],
)
def test_piecewise_affine(expr, holds):
    assert is_piecewise_affine(expr, "u") is holds


def mean_square(expr):
    from mpmath import mp, quad

    with mp.workdps(20):
        points = sorted({-12.0, -4.0, 0.0, 4.0, 12.0, *kinks(expr, "u")})
        return quad(lambda t: exact(expr, {"u": t}) ** 2 * mp.npdf(t), points)


@pytest.mark.parametrize(
    "expr", [HARD_TANH, SILU, ex.softplus(u - 1), ex.tanh(5 * u), abs(u) ** 1.5], ids=str
)
def test_gain_against_mpmath(expr):
    assert gain(expr, "u") == pytest.approx(float(mean_square(expr)) ** -0.5, rel=1e-12)


def test_gain_of_a_far_and_narrow_bump():
    bump = ex.exp(-100 * (u - 7) ** 2)
    # E[exp(-c(u-m)²)] = exp(-c m²/(1+2c))/√(1+2c) with c = 200, m = 7
    assert gain(bump, "u") ** -2 == pytest.approx(math.exp(-200 * 49 / 401) / math.sqrt(401), rel=1e-11)


@pytest.mark.parametrize("expr", [0 * u, where(u > 0, 0, 0) * u, ex.exp(u * u)])
def test_no_gain_is_nan(expr):
    assert math.isnan(gain(expr, "u"))
