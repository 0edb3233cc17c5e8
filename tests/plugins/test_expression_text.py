"""Expressions as text and as data."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_derivatives import EXPRESSIONS

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import argument, const, evaluate, from_data, to_data, to_text, where

u, v, w = argument("u"), argument("v"), argument("w")


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (where(u > 0, u, 0.01 * u), "where(u > 0, u, 0.01*u)"),
        (u - (v - w), "u - (v - w)"),
        (u - v - w, "u - v - w"),
        (u + (v + w), "u + (v + w)"),
        (u / (v * w), "u/(v*w)"),
        ((u + v) * w, "(u + v)*w"),
        (-(u + v), "-(u + v)"),
        (-(u**2), "-u^2"),
        ((-u) ** 2, "(-u)^2"),
        (2 ** (-u), "2^(-u)"),
        ((u**v) ** w, "(u^v)^w"),
        (u ** (v**w), "u^v^w"),
        (u**-2.5, "u^(-2.5)"),
        (u * v**w, "u*v^w"),
        (u < 0, "u < 0"),
        (u >= v, "u >= v"),
        (ex.equal(u, v + 1), "u == v + 1"),
        ((u > 0) & ~(v > 1), "and(u > 0, not(v > 1))"),
        (u + 1e-8, "u + 1e-08"),
        (ex.maximum(u, 0) + ex.logsumexp(v), "max(u, 0) + logsumexp(v)"),
    ],
)
def test_text_has_the_parentheses_it_needs(expr, text):
    assert to_text(expr) == text
    assert repr(expr) == text


def test_names_may_be_exchanged():
    assert to_text(u * v, {"u": "z2"}) == "z2*v"


PYTHON = {"where": lambda c, a, b: a if c else b, "max": max, "min": min, "or": None} | {
    name: getattr(math, name)
    for name in ("exp", "log", "sin", "cos", "tanh", "sqrt", "erf", "expm1", "log1p")
}


@settings(max_examples=100)
@given(st.recursive(
    st.one_of(st.just(u), st.just(v), st.sampled_from([-2.0, 0.5, 3.0]).map(const)),
    lambda e: st.one_of(
        st.builds(lambda a, b: a + b, e, e),
        st.builds(lambda a, b: a - b, e, e),
        st.builds(lambda a, b: a * b, e, e),
        st.builds(lambda a, b: a / b, e, e),
        st.builds(lambda a: -a, e),
        st.builds(lambda a: a**2, e),
    ),
    max_leaves=10,
))  # fmt: skip
def test_text_means_what_the_expression_means(expr):
    """Python reads the same infix, with ** for ^."""
    at = {"u": 1.7, "v": -0.6}
    try:
        python = eval(to_text(expr).replace("^", "**"), {}, at)
    except (ZeroDivisionError, OverflowError):
        return
    assert python == pytest.approx(evaluate(expr, at), rel=1e-12)


@settings(max_examples=100)
@given(EXPRESSIONS)
def test_data_gives_the_same_expression_back(expr):
    assert from_data(json.loads(json.dumps(to_data(expr)))) is expr


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, -0.0, 5e-324, 0.1])
def test_every_number_survives(value):
    assert from_data(json.loads(json.dumps(to_data(const(value)), allow_nan=False))) is const(value)


def test_shared_parts_are_stored_once():
    expr = u
    for _ in range(100):
        expr = expr * expr
    assert len(to_data(expr)) == 101


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "exp",
        [[]],
        [["exp", 0]],
        [["const", "1"]],
        [["const", None]],
        [["arg", "u"]],
        [["arg", "u", 1]],
        [["arg", "u", False], ["exp", 1]],
        [["arg", "u", False], ["exp", -1]],
        [["arg", "u", False], ["exp", True]],
        [["arg", "u", False], ["exp", 0, 0]],
        [["arg", "u", False], ["explode", 0]],
        [["arg", "u", False], ["const", True]],
        [["arg", "u", False], [["exp"], 0]],
    ],
)
def test_broken_data_is_told(data):
    with pytest.raises(ValueError, match="a stored expression cannot be read"):
        from_data(data)
