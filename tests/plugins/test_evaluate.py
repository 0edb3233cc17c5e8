"""Values on plain floats: accuracy against mpmath, IEEE's results at the edges, vectors."""

import math
from math import inf, nan

import pytest
from mp_reference import OutsideDomain, exact
from mpmath import mpf

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import Op, argument, const, evaluate, node, where

u, v = argument("u"), argument("v")
SMOOTH = [
    Op.EXP, Op.EXPM1, Op.LOG, Op.LOG1P, Op.SQRT, Op.SIN, Op.COS, Op.TANH, Op.SIGMOID, Op.ERF, Op.ABS, Op.SIGN,
]  # fmt: skip
BINARY = [Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.POW, Op.LOGADDEXP, Op.MAX, Op.MIN]
POINTS = [-700.0, -40.0, -3.7, -1.0, -0.5, -1e-9, 0.0, 1e-9, 0.3, 1.0, 2.5, 40.0, 700.0]


def close(value: float, reference: mpf) -> bool:
    return abs(mpf(value) - reference) <= 4e-16 * abs(reference) + 5e-324


@pytest.mark.parametrize("op", SMOOTH)
@pytest.mark.parametrize("at", POINTS)
def test_one_operand_against_mpmath(op, at):
    expr = node(op, u)
    try:
        reference = exact(expr, {"u": at})
    except OutsideDomain:
        return
    assert close(evaluate(expr, {"u": at}), reference)


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize(
    "at", [(-3.0, 2.0), (0.25, -1.5), (2.0, 0.5), (-30.0, 31.0), (1e-3, 1e3), (4.0, 4.0)]
)
def test_two_operands_against_mpmath(op, at):
    expr = node(op, u, v)
    values = dict(zip("uv", at, strict=True))
    try:
        reference = exact(expr, values)
    except OutsideDomain:
        return
    assert close(evaluate(expr, values), reference)


@pytest.mark.parametrize(
    ("expr", "at", "value"),
    [
        (1 / u, 0.0, inf),
        (1 / u, -0.0, -inf),
        (u / u, 0.0, nan),
        (ex.log(u), 0.0, -inf),
        (ex.log(u), -1.0, nan),
        (ex.log1p(u), -1.0, -inf),
        (ex.log1p(u), -2.0, nan),
        (ex.sqrt(u), -1.0, nan),
        (ex.exp(u), 1000.0, inf),
        (ex.expm1(u), 1000.0, inf),
        (ex.expm1(u), -inf, -1.0),
        (ex.sin(u), inf, nan),
        (ex.sigmoid(u), -1000.0, 0.0),
        (ex.sigmoid(u), -700.0, math.exp(-700)),
        (ex.sigmoid(u), 1000.0, 1.0),
        (ex.softplus(u), 1000.0, 1000.0),
        (ex.softplus(u), -1000.0, 0.0),
        (ex.softplus(u), -inf, 0.0),
        (ex.log(ex.cosh(u)), 710.0, 710.0 - math.log(2)),
        (ex.log(ex.cosh(u)), -1e300, 1e300),
        (ex.logaddexp(u, u), -inf, -inf),
        (ex.logaddexp(u, u), inf, inf),
        (u**2, -inf, inf),
        (u**3, -1e200, -inf),
        (u**-1, -0.0, -inf),
        (u**-2, 0.0, inf),
        (u**0.5, -1.0, nan),
        (where(u > 0, u, ex.expm1(u)), 1000.0, 1000.0),
        (where(u > 0, u, 5), nan, 5.0),
        (ex.sign(u), 0.0, 0.0),
        (ex.sign(u), nan, nan),
        (ex.maximum(u, 0), nan, nan),
        (ex.maximum(0, u), nan, nan),
        (ex.minimum(u, 0), nan, nan),
        (ex.minimum(0, u), nan, nan),
        (ex.maximum(u, 0), -inf, 0.0),
        (u > 0, nan, 0.0),
        (ex.unequal(u, u), nan, 1.0),
        (ex.abs(u), -inf, inf),
    ],
)
def test_the_edges(expr, at, value):
    found = evaluate(expr, {"u": at})
    assert found == value or (math.isnan(value) and math.isnan(found))


def test_vectors_and_scalars():
    a = argument("a", scalar=True)
    assert evaluate(a * u, {"u": [1, 2, 3], "a": 2}) == [2.0, 4.0, 6.0]
    assert evaluate(ex.sum(u * v), {"u": [1, 2], "v": [3, 4]}) == 11.0
    assert evaluate(u - ex.mean(u), {"u": [1, 3]}) == [-1.0, 1.0]
    assert evaluate(ex.amax(u), {"u": [1, nan, 3]}) != evaluate(ex.amax(u), {"u": [1, nan, 3]})
    assert evaluate(ex.pick(u, v), {"u": [5, 6, 7], "v": 1}) == 6.0
    assert math.isnan(evaluate(ex.pick(u, v), {"u": [5, 6, 7], "v": 3}))
    assert evaluate(ex.sum(a), {"u": [1, 2], "a": 3}) == 6.0


@pytest.mark.parametrize(
    ("elements", "value"),
    [([1000.0, 1000.0], 1000 + math.log(2)), ([-inf, -inf], -inf), ([-inf, 2.0], 2.0), ([inf, 0.0], inf)],
)
def test_logsumexp(elements, value):
    assert evaluate(ex.logsumexp(u), {"u": elements}) == pytest.approx(value, rel=1e-15)


def test_folding_gives_what_evaluation_gives():
    for op in SMOOTH:
        for at in (*POINTS, inf, -inf, nan):
            folded, run = node(op, const(at)).value, evaluate(node(op, u), {"u": at})
            assert folded == run or (math.isnan(folded) and math.isnan(run))
