"""One function on every backend: the numbers of plain floats, at all points."""

import math

import numpy as np
import pytest

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import argument, derivative
from deltaplan.testing import backends
from deltaplan.testing.exact import exact, is_there
from deltaplan.testing.points import ALL

u = argument("u")
BACKENDS = [backends.by_numpy, backends.by_machine, backends.by_c]
MISH = u * ex.tanh(ex.softplus(u))
needs_cc = pytest.mark.skipif(backends.c_compiler() is None, reason="there is no C compiler")


@pytest.mark.parametrize("by", [*BACKENDS[:2], pytest.param(backends.by_c, marks=needs_cc)])
@pytest.mark.parametrize("expr", [MISH, derivative(MISH, "u")], ids=["value", "slope"])
def test_the_numbers_of_plain_floats(by, expr):
    points = np.array(ALL)
    np.testing.assert_allclose(
        by([expr], "u", points)[0], backends.by_floats(expr, "u", ALL), rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [5.95, 6.0, 8.0, 1e3, 1e30, math.inf])
def test_the_error_function_ends_at_one(size, dtype):
    """1 + erf(u) is 0 far below 0, as it is in gelu: what is left there would be multiplied by u."""
    points = np.array([-size, size], dtype)
    (found,) = backends.by_machine([ex.erf(u)], "u", points)
    assert found.tolist() == [-1.0, 1.0]


@pytest.mark.skipif(not is_there(), reason="mpmath is not installed")
@pytest.mark.parametrize(
    ("expr", "at", "wanted"),
    [
        (ex.log(ex.exp(u) + ex.exp(-u)) - abs(u), 100.0, math.exp(-200)),
        ((1 - ex.cos(u)) / u**2, 1e-8, 0.5),
        (ex.sqrt(u**2 + 1) - u, 1e8, 5e-9),
        (ex.where(u > 0, ex.log(u), 0), -1.0, 0.0),
        (ex.exp(-u), 1e3, 0.0),
        (ex.exp(u), 1e3, math.inf),
    ],
)
def test_exact_values_do_not_cancel(expr, at, wanted):
    assert exact(expr, "u", at) == pytest.approx(wanted, rel=1e-15)
