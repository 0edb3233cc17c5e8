"""Derivatives: every rule and random compositions against mpmath's difference quotients; delicate cases."""

import math
from math import inf

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mp_reference import OutsideDomain, exact
from mpmath import mpf

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import (
    Op,
    argument,
    arity,
    const,
    derivative,
    evaluate,
    gradient,
    node,
    to_text,
    where,
)

u, g = argument("u"), argument("g")
a = argument("a", scalar=True)
STEP = mpf(10) ** -20


def difference_quotient(expr, at):
    """The derivative to about 20 digits where both sides agree, else OutsideDomain."""
    here, left, right = (exact(expr, {"u": at + s}) for s in (0, -STEP, STEP))
    slopes = (here - left) / STEP, (right - here) / STEP
    if abs(slopes[0] - slopes[1]) > mpf(10) ** -12 * (1 + abs(slopes[0])):
        raise OutsideDomain
    return (right - left) / (2 * STEP)


UNARY = [op for op in Op if arity(op) == 1 and op not in ex.REDUCTIONS | ex.CONDITIONS]
BINARY = [Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.LOGADDEXP, Op.MAX, Op.MIN]


def grown(smaller):
    pairs = st.tuples(smaller, smaller)
    return st.one_of(
        st.builds(node, st.sampled_from(UNARY), smaller),
        st.builds(lambda op, p: node(op, *p), st.sampled_from(BINARY), pairs),
        st.builds(lambda e, n: e**n, smaller, st.sampled_from([-2, -1, 0.5, 2, 3, 2.5])),
        st.builds(lambda p, q: where(p[0] > p[1], *q), pairs, pairs),
        st.builds(lambda p, q: where((p[0] >= q[0]) | ~(p[1] > q[1]), *p), pairs, pairs),
    )


LEAF = st.one_of(st.just(u), st.sampled_from([-2.0, -0.5, 0.3, 1.0, 3.0]).map(const))
EXPRESSIONS = st.recursive(LEAF, grown, max_leaves=12).filter(lambda e: not e.scalar)


def check_random(expr, at):
    try:
        reference = difference_quotient(expr, mpf(at))
        found = exact(derivative(expr, "u"), {"u": at})
    except OutsideDomain:
        assume(False)
    assume(abs(exact(expr, {"u": at})) < 1e6 and abs(reference) < 1e6)
    near = abs(found - reference) <= mpf(10) ** -9 * (1 + abs(reference))
    assert near or alone(expr, at, found), to_text(expr)


def alone(expr, at, slope):
    """Whether a choice is another at this point than beside it, as in where(u^2 > 0, u, -u) at 0."""
    beside = [exact(derivative(expr, "u"), {"u": at + s}) for s in (-STEP, STEP)]
    return all(abs(slope - other) > mpf(10) ** -9 * (1 + abs(other)) for other in beside)


@settings(max_examples=150)
@given(EXPRESSIONS, st.floats(-3, 3))
def test_random_expressions(expr, at):
    check_random(expr, at)


@pytest.mark.long
@settings(max_examples=5000)
@given(EXPRESSIONS, st.floats(-3, 3))
def test_many_random_expressions(expr, at):
    check_random(expr, at)


@pytest.mark.parametrize("op", UNARY)
@pytest.mark.parametrize("at", [-2.3, -0.4, 0.2, 1.7])
def test_each_rule_of_one_operand(op, at):
    try:
        reference = difference_quotient(node(op, u), mpf(at))
    except OutsideDomain:
        return
    assert evaluate(derivative(node(op, u), "u"), {"u": at}) == pytest.approx(float(reference), rel=1e-14)


@pytest.mark.parametrize("op", [*BINARY, Op.POW])
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("at", [0.4, 2.6])
def test_each_rule_of_two_operands(op, swap, at):
    other = const(1.7)
    expr = node(op, other, u) if swap else node(op, u, other)
    reference = difference_quotient(expr, mpf(at))
    assert evaluate(derivative(expr, "u"), {"u": at}) == pytest.approx(float(reference), rel=1e-14)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (where(u > 0, u, a * u), "where(u > 0, g, a*g)"),
        (where(u > 0, u, a * ex.expm1(u)), "where(u > 0, g, exp(u)*(a*g))"),
        (ex.maximum(u, 0), "where(u > 0, g, 0)"),
        (ex.maximum(0, u), "where(u < 0, 0, g)"),
        (ex.tanh(u), "(1 - tanh(u)*tanh(u))*g"),
        (ex.sigmoid(u), "sigmoid(u)*sigmoid(-u)*g"),
        (u, "g"),
        (u * u, "2*(u*g)"),
        (u**2, "2*u*g"),
        (u**1, "g"),
        (const(3), "0"),
        (ex.sign(u), "0"),
    ],
)
def test_the_seed_goes_into_the_choice(expr, text):
    assert to_text(gradient(expr, ["u"], g)[0]) == text


def test_several_names_share_one_sweep():
    du, da, dz = gradient(where(u > 0, u, a * ex.expm1(u)), ["u", "a", "z"], g)
    assert to_text(da) == "where(u > 0, 0, expm1(u)*g)"
    assert dz is const(0)
    assert evaluate(du, {"u": -1, "a": 2, "g": 3}) == pytest.approx(6 * math.exp(-1))


@pytest.mark.parametrize(
    ("expr", "at", "slope"),
    [
        (where(u > 0, u, ex.expm1(u)), 1000.0, 1.0),
        (where(u > 0, u, ex.exp(u) * ex.sin(ex.exp(u))), 1000.0, 1.0),
        (where(u > 0, u, ex.exp(u)) + where(u > 1, 0, ex.exp(u)), 1000.0, 1.0),
        (where(u > 1, 0, where(u > 0, u, ex.exp(u * u * u))), 100.0, 0.0),
        (where(u > 0, ex.sqrt(u), 0), 0.0, 0.0),
        (where(u > 0, u * ex.log(u), 0), 0.0, 0.0),
        (ex.sqrt(u), 0.0, 0.0),
        (ex.sqrt(u * u), 0.0, 0.0),
        (ex.maximum(u, 0), 0.0, 0.0),
        (ex.maximum(0, u), 0.0, 1.0),
        (ex.minimum(u, 0), 0.0, 0.0),
        (ex.maximum(u, u), 3.0, 1.0),
        (abs(u), 0.0, 0.0),
        (u**1, 0.0, 1.0),
        (u**2, 0.0, 0.0),
        (ex.sigmoid(u), 40.0, math.exp(-40)),
        (ex.sigmoid(u), -1000.0, 0.0),
        (ex.softplus(u), 1000.0, 1.0),
        (ex.log(ex.cosh(u)), 1000.0, 1.0),
        (ex.log(ex.cosh(u)), -1000.0, -1.0),
        (ex.expm1(u), -40.0, math.exp(-40)),
    ],
)
def test_delicate_slopes(expr, at, slope):
    assert evaluate(derivative(expr, "u"), {"u": at}) == pytest.approx(slope, rel=1e-15, abs=0)


def test_the_second_derivative():
    second = derivative(derivative(ex.tanh(u), "u"), "u")
    t = math.tanh(0.7)
    assert evaluate(second, {"u": 0.7}) == pytest.approx(-2 * t * (1 - t * t), rel=1e-14)


def test_a_chain_of_ten_thousand_is_no_recursion():
    expr = u
    for _ in range(10_000):
        expr = expr + ex.sin(expr)
    assert evaluate(derivative(expr, "u"), {"u": 0.0}) == inf


def test_a_reduction_has_to_be_cut_first():
    with pytest.raises(ValueError, match="split_reductions"):
        gradient(ex.sum(u), ["u"], g)
