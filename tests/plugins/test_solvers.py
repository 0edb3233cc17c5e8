"""The built-in solvers on functions whose minimum is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaplan.plugins.builtin.search import newton, wolfe
from deltaplan.plugins.builtin.solvers import exact, lbfgs


class Counted:
    """A function with its gradient, and how often it was asked."""

    def __init__(self, function, hessian=None):
        self.function, self.hessian, self.calls = function, hessian, 0

    def __call__(self, x):
        self.calls += 1
        return self.function(x)


def rosenbrock(x):
    """Σ 100(xₙ₊₁ − xₙ²)² + (1 − xₙ)²: the minimum is 0 at (1, 1, …)."""
    a, b = x[:-1], x[1:]
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * a * (b - a**2) - 2 * (1 - a)
    gradient[1:] += 200 * (b - a**2)
    return float((100 * (b - a**2) ** 2 + (1 - a) ** 2).sum()), gradient


def quadratic(matrix, b):
    return Counted(lambda x: (float(x @ matrix @ x / 2 - b @ x), matrix @ x - b), lambda x: matrix)


def path(solver, objective, x, **values):
    defaults = {p.name: p.default for p in solver.parameters}
    return list(solver.minimize(objective, x, **(defaults | values)))


@pytest.mark.parametrize("size", [2, 10])
def test_lbfgs_finds_the_minimum_of_rosenbrock(size):
    """From (−1.2, 1), Moré, Garbow and Hillstrom's starting point, in about as many calls as others need."""
    objective = Counted(rosenbrock)
    found = path(lbfgs, objective, np.tile([-1.2, 1.0], size // 2), tolerance=1e-9)
    np.testing.assert_allclose(found[-1].x, 1, atol=1e-8)
    assert objective.calls < 60 * size**0.7


def test_every_step_satisfies_the_strong_wolfe_conditions():
    x = np.array([-1.2, 1.0, -1.2, 1.0])
    value, gradient = rosenbrock(x)
    for found in path(lbfgs, rosenbrock, x, tolerance=1e-5):
        step = found.x - x
        assert found.value <= value + 1e-4 * gradient @ step + 1e-13
        assert abs(found.gradient @ step) <= 0.9 * abs(gradient @ step) + 1e-13
        x, value, gradient = found.x, found.value, found.gradient


def test_what_it_gives_are_the_values_there():
    for found in path(lbfgs, rosenbrock, np.array([-1.2, 1.0])):
        value, gradient = rosenbrock(found.x)
        assert found.value == value
        np.testing.assert_array_equal(found.gradient, gradient)


def test_a_step_into_infinity_is_shortened():
    """−log(1 − x²) + 5x has its minimum at (1 − √26)/5, and no value beyond ±1."""

    def barrier(x):
        with np.errstate(all="ignore"):
            return float(-np.log(1 - x[0] ** 2) + 5 * x[0]), np.array([2 * x[0] / (1 - x[0] ** 2) + 5])

    found = path(lbfgs, barrier, np.array([0.9]))
    assert found[-1].x[0] == pytest.approx((1 - 26**0.5) / 5, rel=1e-7)


def test_it_ends_where_there_is_nothing_to_gain():
    assert path(lbfgs, rosenbrock, np.ones(4)) == []
    assert path(exact, quadratic(np.eye(2), np.zeros(2)), np.zeros(2)) == []


def test_a_value_of_few_digits_ends_it():
    """Of what single precision knows of the value no step is left in the end."""

    def rough(x):
        value, gradient = rosenbrock(x)
        return float(np.float32(value + 100)), gradient

    found = path(lbfgs, rough, np.array([-1.2, 1.0]), tolerance=0.0)
    assert len(found) < 200
    assert found[-1].value == 100


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_exact_solves_linear_equations_in_one_step(seed, size):
    random = np.random.default_rng(seed)
    factor = random.normal(size=(size + 2, size))
    matrix, b = factor.T @ factor, random.normal(size=size)
    found = path(exact, quadratic(matrix, b), random.normal(size=size))
    np.testing.assert_allclose(found[0].x, np.linalg.solve(matrix, b), rtol=1e-6, atol=1e-9)
    assert len(found) <= 3


def test_exact_gives_the_shortest_of_many_solutions():
    """x₁ + x₂ = 1 has the solutions (½ + a, ½ − a)."""
    one = np.ones(2)
    found = path(exact, quadratic(np.outer(one, one), one), np.zeros(2))
    np.testing.assert_allclose(found[-1].x, [0.5, 0.5], rtol=1e-12)


def test_exact_comes_down_where_newton_alone_does_not():
    """log(eˣ + e⁻ˣ) from 2: the whole step of Newton leads to −11 and on to infinity."""

    def value(x):
        return float(np.logaddexp(x[0], -x[0])), np.tanh(x)

    objective = Counted(value, lambda x: np.array([[1 / np.cosh(x[0]) ** 2]]))
    found = path(exact, objective, np.array([2.0]))
    assert abs(found[-1].x[0]) < 1e-9


def test_newton_knows_a_singular_matrix():
    matrix = np.diag([1.0, 1e-18, 4.0])
    np.testing.assert_allclose(newton.direction(matrix, np.array([1.0, 1.0, 2.0])), [-1, 0, -0.5])


def test_a_search_that_finds_nothing_says_so():
    """A direction that leads up has no lower point."""
    x = np.ones(2)
    value, gradient = rosenbrock(x)
    assert wolfe.search(rosenbrock, x, value, gradient, np.array([1.0, 0.0]), 1.0) is None
