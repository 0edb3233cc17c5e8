"""Every registered activation against a textbook formula: a new one needs one line in EXPECTED."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import pytest
from mp_reference import exact
from mpmath import mp, mpf

from deltaplan.plugins.expressions import derivative, evaluate, gradient, substitute
from deltaplan.plugins.expressions.analysis import gain, is_piecewise_affine, kinks, slope_range, value_range
from deltaplan.plugins.expressions.intervals import interval
from deltaplan.plugins.loader import builtin_registry


@dataclass(frozen=True)
class Expected:
    """The textbook's formula of one number in mpmath, and what it implies."""

    formula: Callable[[Any], Any]
    kinks: tuple[float, ...]
    slopes: tuple[float, float]
    values: tuple[float, float]
    far: tuple[float, float]  # at -inf and inf
    affine: bool = False
    parameters: tuple[tuple[str, float], ...] = ()
    exact: bool = True  # the bounds, else within 1e-6
    cancels: bool = False  # 1 + erf(u) has the error of 1 where it is near 0


EXPECTED = [
    ("identity", Expected(lambda u: u, (), (1, 1), (-inf, inf), (-inf, inf), affine=True)),
    ("sigmoid", Expected(lambda u: 1 / (1 + mp.exp(-u)), (), (0, 0.25), (0, 1), (0, 1))),
    ("tanh", Expected(mp.tanh, (), (0, 1), (-1, 1), (-1, 1))),
    ("relu", Expected(lambda u: max(u, 0), (0,), (0, 1), (0, inf), (0, inf), affine=True)),
    ("leaky_relu", Expected(lambda u: max(u, 0.01 * u), (0,), (0.01, 1), (-inf, inf), (-inf, inf), True)),
    ("leaky_relu", Expected(
        lambda u: u if u > 0 else -u / 2, (0,), (-0.5, 1), (0, inf), (inf, inf), True, (("alpha", -0.5),)
    )),
    ("elu", Expected(lambda u: u if u > 0 else mp.exp(u) - 1, (), (0, 1), (-1, inf), (-1, inf))),
    ("elu", Expected(
        lambda u: u if u > 0 else 2 * mp.expm1(u), (0,), (0, 2), (-2, inf), (-2, inf), False,
        (("alpha", 2),)
    )),
    ("softplus", Expected(lambda u: max(u, 0) + mp.log1p(mp.exp(-abs(u))), (), (0, 1), (0, inf), (0, inf))),
    # The least values and slopes to ten digits, by mpmath; 0·∞ at -inf.
    ("silu", Expected(
        lambda u: u / (1 + mp.exp(-u)),
        (), (-0.0998393201, 1.0998393201), (-0.2784645428, inf), (nan, inf), exact=False,
    )),
    ("gelu", Expected(
        lambda u: u * mp.ncdf(u) if abs(u) < 1e9 else max(u, 0),
        (), (-0.1289041452, 1.1289041452), (-0.1699712075, inf), (nan, inf), exact=False, cancels=True,
    )),
    ("mish", Expected(
        lambda u: u * mp.tanh(mp.log1p(mp.exp(u))),
        (), (-0.1125261224, 1.0884980693), (-0.3088434103, inf), (nan, inf), exact=False,
    )),
]  # fmt: skip
CASES = pytest.mark.parametrize(
    ("name", "expected"), EXPECTED, ids=[f"{n}{[v for _, v in e.parameters] or ''}" for n, e in EXPECTED]
)
POINTS = [
    -1000.0,
    -710.0,
    -40.0,
    -3.0,
    -1.0,
    -0.3,
    -1e-8,
    0.0,
    1e-8,
    0.3,
    1.0,
    3.0,
    40.0,
    710.0,
    1000.0,
    1e300,
    -1e300,
]


def expression(name, expected):
    found = builtin_registry().find("activation", name)
    values = {p.name: p.default for p in found.parameters} | dict(expected.parameters)
    return substitute(found.expression, values)


def test_every_activation_is_expected():
    assert {name for name, _ in EXPECTED} == set(builtin_registry().names("activation"))


@CASES
@pytest.mark.parametrize("at", POINTS)
def test_value(name, expected, at):
    reference = expected.formula(mpf(at))
    found = evaluate(expression(name, expected), {"u": at})
    floor = 2e-16 * abs(at) if expected.cancels and abs(at) < 10 else 5e-324
    assert abs(found - reference) <= 4e-16 * abs(reference) + floor


@CASES
@pytest.mark.parametrize("at", [u for u in POINTS if abs(u) < 1e200])
def test_slope_by_central_differences(name, expected, at):
    if at in expected.kinks:
        return
    step = mpf(10) ** -25
    reference = (expected.formula(at + step) - expected.formula(at - step)) / (2 * step)
    found = evaluate(derivative(expression(name, expected), "u"), {"u": at})
    assert abs(found - reference) <= mpf(10) ** -15 * (1 + abs(reference))


@CASES
def test_edges(name, expected):
    expr = expression(name, expected)
    assert [evaluate(expr, {"u": far}) for far in (-inf, inf)] == pytest.approx(expected.far, nan_ok=True)
    assert math.isnan(evaluate(expr, {"u": nan}))


@CASES
@pytest.mark.parametrize("at", POINTS)
def test_the_flow_is_finite(name, expected, at):
    (flow,) = gradient(expression(name, expected), ["u"], 2.0)
    assert math.isfinite(evaluate(flow, {"u": at}))


@CASES
def test_what_is_known_of_it(name, expected):
    expr = expression(name, expected)
    assert kinks(expr, "u") == expected.kinks
    near = (lambda bounds: bounds) if expected.exact else (lambda bounds: pytest.approx(bounds, rel=1e-6))
    assert slope_range(expr, "u") == near(expected.slopes)
    assert value_range(expr, "u") == near(expected.values)
    assert is_piecewise_affine(expr, "u") is expected.affine


@CASES
def test_bounds_hold_in_samples(name, expected):
    expr = expression(name, expected)
    slope, slopes = derivative(expr, "u"), slope_range(expr, "u")
    for i in range(-200, 200):
        at, box = i / 20, {"u": (i / 20, (i + 1) / 20)}
        assert interval(expr, box)[0] <= exact(expr, {"u": at}) <= interval(expr, box)[1]
        assert slopes[0] <= evaluate(slope, {"u": at}) <= slopes[1]


@CASES
def test_gain(name, expected):
    points = sorted({-30, -8, -2, 0, 2, 8, 30, *expected.kinks})
    with mp.workdps(20):
        square = mp.quad(lambda u: expected.formula(u) ** 2 * mp.npdf(u), points)
    assert gain(expression(name, expected), "u") == pytest.approx(float(square) ** -0.5, rel=1e-12)


def test_the_gains_that_the_field_knows():
    gains = {name: gain(expression(name, expected), "u") for name, expected in EXPECTED[:4]}
    assert gains["identity"] == pytest.approx(1, rel=1e-14)
    assert gains["relu"] == pytest.approx(math.sqrt(2), rel=1e-14)
