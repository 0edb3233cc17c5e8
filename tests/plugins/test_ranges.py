"""Ranges over all reals: never inside what the function reaches, and near it where the tails are known."""

import random
from math import inf, isinf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mp_reference import OutsideDomain, exact
from test_derivatives import EXPRESSIONS

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import argument, derivative, to_text, where
from deltaplan.plugins.expressions.analysis import jumps, lipschitz, monotone, slope_range, value_range
from deltaplan.plugins.expressions.tails import TAILS, tail_bounds

u = argument("u")


def swish(beta):
    return u * ex.sigmoid(beta * u)


def snake(a):
    return u + ex.sin(a * u) ** 2 / a


TANH_GELU = 0.5 * u * (1 + ex.tanh(0.7978845608 * (u + 0.044715 * u**3)))
SOFTSIGN = u / (1 + abs(u))
ROOT = ex.sqrt(1 + u * u)
NEAR = [
    (swish(2.5), (-0.0998393201, 1.0998393201)),  # the slope of swish does not depend on β
    (snake(0.7), (0, 2)),
    (snake(3), (0, 2)),
    (ex.sin(u) + 0.5 * ex.sin(3 * u), (-2.5, 2.5)),
    (TANH_GELU, (-0.1289930677, 1.1289930677)),
    (ex.exp(-(u * u)), (-0.8577638850, 0.8577638850)),
    (SOFTSIGN, (0, 1)),
    (ROOT, (-1, 1)),
    pytest.param(u / ex.sqrt(1 + u * u), (0, 1), marks=pytest.mark.long),
    (u - ex.tanh(u), (0, 1)),
    (ex.maximum(u, 0) + ex.minimum(0, 2 * ex.expm1(u / 2)), (0, 2)),
    (u * ex.minimum(ex.maximum(u + 3, 0), 6) / 6, (-0.5, 1.5)),
    (1.0507 * where(u > 0, u, 1.67 * ex.expm1(u)), (0, 1.7546690)),
]


@pytest.mark.parametrize(("expr", "slopes"), NEAR, ids=lambda e: to_text(e) if isinstance(e, ex.Expr) else "")
def test_slopes_within_a_millionth(expr, slopes):
    found = slope_range(expr, "u")
    assert found == pytest.approx(slopes, rel=1e-6, abs=1e-6)
    slope = derivative(expr, "u")
    for i in range(-400, 400):
        at = 1 / 7 + i / 40
        assert found[0] <= exact(slope, {"u": at}) <= found[1]


@pytest.mark.parametrize(
    ("expr", "slopes"),
    [
        (ex.exp(u), (0, inf)),
        (u * ex.sin(u), (-inf, inf)),
        (u**3, (0, inf)),
        (abs(u) ** 0.5, (-inf, inf)),
        (ex.sinh(u), (None, inf)),
    ],
)
def test_what_is_steeper_and_steeper_has_no_bound(expr, slopes):
    for end, wanted in zip(slope_range(expr, "u"), slopes, strict=True):
        assert wanted is None or end == wanted
    assert lipschitz(expr, "u") == inf


@settings(max_examples=20, deadline=None)
@given(EXPRESSIONS, st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4))
def test_slopes_are_never_steeper_than_the_bound(expr, points):
    slope = derivative(expr, "u")
    low, high = slope_range(expr, "u")
    for at in points:
        try:
            value = exact(slope, {"u": at})
        except OutsideDomain:
            continue
        assert low <= value <= high, to_text(expr)


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS, st.floats(1, 50), st.floats(1, 1e3), st.sampled_from([-1, 1]))
def test_tails_hold_what_they_bound(expr, start, factor, side):
    low, high = tail_bounds(expr, "u", start, side)
    for at in (start, start * factor):
        try:
            value = exact(expr, {"u": side * at})
        except OutsideDomain:
            continue
        assert low <= value <= high, to_text(expr)


def _grown(rng, depth):
    """A random expression of what tails know, most of its operands growing."""
    if depth == 0:
        return rng.choice([u, -u, 2 * u + 1, ex.const(rng.uniform(-2, 2)), u * u])
    a, b = _grown(rng, depth - 1), _grown(rng, depth - 1)
    op = rng.choice(list(TAILS))
    if op in (ex.Op.ADD, ex.Op.SUB, ex.Op.MUL, ex.Op.DIV, ex.Op.LOGADDEXP, ex.Op.MAX, ex.Op.MIN):
        return ex.node(op, a, b)
    return ex.node(op, a) * (b if rng.random() < 0.5 else 1)


def test_tails_of_random_expressions():
    rng, known = random.Random(5), 0
    for _ in range(300):
        expr, side = _grown(rng, rng.choice([1, 2, 3])), rng.choice([-1, 1])
        start = rng.uniform(1, 30)
        if sum(e.op in (ex.Op.EXP, ex.Op.EXPM1) for e in ex.walk(expr)) > 1:
            continue  # e to the power of e to the power of u has too many digits
        low, high = tail_bounds(expr, "u", start, side)
        known += not (isinf(low) and isinf(high))
        for at in (start, start + 0.01, start * 1.5, start * 40):
            try:
                value = exact(expr, {"u": side * at})
            except OutsideDomain:
                continue
            assert low <= value <= high, (to_text(expr), side, at)
    assert known > 100


@pytest.mark.parametrize(
    ("expr", "way"),
    [
        (ex.tanh(u), "rising"),
        (-ex.sigmoid(u), "falling"),
        (ex.maximum(u, 0), "rising"),
        (where(u > 0, u, 0.01 * u), "rising"),
        (ex.sign(u), "rising"),
        (where(u > 0, u, u + 1), None),  # falls where it jumps
        (where(u > 0, -1, 1), "falling"),
        (snake(2), "rising"),
        (swish(1), None),
        (0 * u + 3, "constant"),
        (where(u * u > 1, 1, 0), None),
        (abs(u), None),
    ],
)
def test_monotone(expr, way):
    assert monotone(expr, "u") == way


def test_jumps_and_what_they_do_to_lipschitz():
    step = where(u > 0.5, u + 1, u)
    assert jumps(step, "u") == ((0.5, 0.5, 0.5, 1.5),)
    assert lipschitz(step, "u") == inf
    assert lipschitz(where(u * u > 1, 1, 0), "u") == inf  # where it jumps is not known
    assert lipschitz(where(1 + u * u > 0, u, 0), "u") == 1  # and here it never does
    assert lipschitz(3 * ex.tanh(u / 2), "u") == 1.5
    assert lipschitz(where(u > 0, u, -2 * u), "u") == 2


@pytest.mark.parametrize("expr", [SOFTSIGN, ex.exp(-(u * u)), ex.tanh(u) * ex.sigmoid(-u)], ids=to_text)
def test_values_of_what_settles(expr):
    low, high = value_range(expr, "u")
    assert -1.000001 <= low <= high <= 1.000001
