"""The derivative of random expressions beside SymPy's, at random points."""

import random

import pytest

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import argument, derivative, evaluate, to_text

sympy = pytest.importorskip("sympy")

X = sympy.Symbol("u", real=True)
ONE_OPERAND = [  # ours, SymPy's, and whether it is asked for with an operand that is surely positive
    (ex.exp, sympy.exp, False),
    (ex.expm1, lambda v: sympy.exp(v) - 1, False),
    (ex.sin, sympy.sin, False),
    (ex.cos, sympy.cos, False),
    (ex.tanh, sympy.tanh, False),
    (ex.sinh, sympy.sinh, False),
    (ex.cosh, sympy.cosh, False),
    (ex.erf, sympy.erf, False),
    (ex.sigmoid, lambda v: 1 / (1 + sympy.exp(-v)), False),
    (ex.softplus, lambda v: sympy.log(1 + sympy.exp(v)), False),
    (abs, sympy.Abs, False),
    (ex.log, sympy.log, True),
    (ex.log1p, lambda v: sympy.log(1 + v), True),
    (ex.sqrt, sympy.sqrt, True),
]
TWO_OPERANDS = [
    (lambda a, b: a + b, lambda a, b: a + b),
    (lambda a, b: a - b, lambda a, b: a - b),
    (lambda a, b: a * b, lambda a, b: a * b),
    (lambda a, b: a / (b * b + 1), lambda a, b: a / (b * b + 1)),
    (ex.logaddexp, lambda a, b: sympy.log(sympy.exp(a) + sympy.exp(b))),
    (ex.maximum, sympy.Max),
    (ex.minimum, sympy.Min),
    (lambda a, b: ex.where(a > b, a * b, a - b), lambda a, b: sympy.Piecewise((a * b, a > b), (a - b, True))),
    (lambda a, b: (a * a + 1) ** b, lambda a, b: (a * a + 1) ** b),
]


def grown(draw, leaves):
    """A random expression of ours and the same of SymPy's."""
    if leaves == 1:
        number = draw.choice([-2.0, -0.5, 0.25, 1.5, 3.0])
        leaf = (ex.const(number), sympy.Rational(number))
        return draw.choice([(argument("u"), X), (argument("u"), X), leaf])
    if draw.random() < 0.45:
        ours, theirs, positive = draw.choice(ONE_OPERAND)
        a, b = grown(draw, leaves - 1)
        return (ours(a * a + 0.5), theirs(b * b + sympy.Rational(1, 2))) if positive else (ours(a), theirs(b))
    ours, theirs = draw.choice(TWO_OPERANDS)
    left = draw.randint(1, leaves - 1)
    (a, b), (c, d) = grown(draw, left), grown(draw, leaves - left)
    return ours(a, c), theirs(b, d)


def pairs(count, seed=6):
    """As many expressions of u, each with a point where value and slope are of a moderate size."""
    draw, found = random.Random(seed), 0
    while found < count:
        ours, theirs = grown(draw, draw.randint(2, 4))
        at = draw.uniform(-2, 2)
        if not ours.scalar and max(abs(evaluate(e, {"u": at})) for e in (ours, derivative(ours, "u"))) < 1e3:
            found += 1
            yield ours, theirs, at


def slope(theirs, at):
    """SymPy's derivative at a point, with thirty digits."""
    return float(sympy.diff(theirs, X).evalf(30, subs={X: sympy.Float(at, 30)}))


@pytest.mark.parametrize("count", [100, pytest.param(500, marks=pytest.mark.long)])
def test_random_derivatives(count):
    for ours, theirs, at in pairs(count):
        found = evaluate(derivative(ours, "u"), {"u": at})
        assert found == pytest.approx(slope(theirs, at), rel=1e-10, abs=1e-10), to_text(ours)
