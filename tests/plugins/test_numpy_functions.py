"""A plain numpy function in an expression: what it can do, and what it says that it cannot."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError, PluginError
from deltaplan.plugins.expressions import (
    Expr,
    argument,
    derivative,
    evaluate,
    numpy_function,
    split_reductions,
    substitute,
    sum,
    to_data,
    to_text,
)
from deltaplan.plugins.expressions.analysis import lipschitz, slope_range
from deltaplan.plugins.expressions.data import from_data
from deltaplan.plugins.expressions.latex import to_latex, to_mathml
from deltaplan.runtime.inquiries import check_gradients

U, Y, A = argument("u"), argument("y"), argument("a", scalar=True)
CUBE = numpy_function("cube", lambda u, a: a * u**3, lambda u, a: 3 * a * u**2)
PLUGIN = '''\
import numpy as np

from deltaplan.plugins.api import activation, loss, number, numpy_function, regularizer, required, sum

cube = numpy_function("cube", lambda u, a: a * u**3, lambda u, a: 3 * a * u**2)


@activation("bent", a=number(0.1, above=0))
def bent(u, a):
    """u + a·u³"""
    return u + cube(u, a)


@loss("cubic")
def cubic(u, y):
    """Σ |u − y|³, by squares"""
    return sum(cube(u - y, 1) ** 2)


@regularizer("sixth", strength=required(minimum=0))
def sixth(w, strength):
    """λ Σ w⁶"""
    return strength * sum(cube(w, 1) ** 2)
'''
SAME = """\
from deltaplan.plugins.api import activation, loss, number, regularizer, required, sum


@activation("bent", a=number(0.1, above=0))
def bent(u, a):
    return u + a * u**3


@loss("cubic")
def cubic(u, y):
    return sum(((u - y) ** 3) ** 2)


@regularizer("sixth", strength=required(minimum=0))
def sixth(w, strength):
    return strength * sum((w**3) ** 2)
"""
SPEC = """
use "./{file}.py"
model m {{ input 1; dense 4, 4 bent(0.2); output 1 }}
train {{
    minimize mean(cubic) + sixth(1e-3)
    optimizer adam(lr=1e-2)
    epochs 30
    precision float64
}}
"""
X = np.linspace(-1, 1, 20).reshape(-1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain.py").write_text(PLUGIN, "utf-8")
    (tmp_path / "same.py").write_text(SAME, "utf-8")
    return tmp_path


def test_it_stands_in_an_expression_as_any_function() -> None:
    expression = U + CUBE(2 * U, A)
    assert to_text(expression) == "u + cube(2*u, a)"
    assert "cube" in to_latex(expression)
    assert "cube" in to_mathml(expression)
    assert evaluate(expression, {"u": 0.5, "a": 2.0}) == 0.5 + 2 * 1.0**3
    assert evaluate(expression, {"u": [0.5, 1.0], "a": 2.0}) == [2.5, 17.0]
    assert substitute(expression, {"a": 2}) is U + CUBE(2 * U, 2)
    assert to_text(split_reductions(sum(CUBE(U - Y, 1))).stages[0].element) == "cube(u - y, 1)"


def test_its_derivative_is_the_one_that_is_given() -> None:
    slope = derivative(CUBE(2 * U, A), "u")
    assert evaluate(slope, {"u": 0.5, "a": 2.0}) == pytest.approx(2 * 3 * 2 * 1.0**2)
    with pytest.raises(PluginError, match="`cube` has no second derivative"):
        evaluate(derivative(slope, "u"), {"u": 0.5, "a": 2.0})


def test_nothing_is_claimed_of_its_bounds() -> None:
    expression = CUBE(U, 1)
    assert slope_range(expression, "u") == (-np.inf, np.inf)
    assert lipschitz(expression, "u") == np.inf


def test_its_other_arguments_are_numbers() -> None:
    with pytest.raises(PluginError, match="is given `y` beside its first argument"):
        CUBE(U, Y)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (lambda u: u[:-1], "for one of the shape"),
        (lambda u: None, "the type object"),
        (lambda u: 1 / 0, "fails: ZeroDivisionError"),
        (lambda u: u.fill(0), "fails: ValueError"),  # what it is given it cannot change
        (lambda u, a: u, "fails: TypeError"),
    ],
)
def test_a_function_that_fails_is_told(value: object, told: str) -> None:
    function = numpy_function("broken", value, lambda u: u)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="the numpy function `broken`") as failed:
        evaluate(function(U), {"u": [1.0, 2.0]})
    assert told in str(failed.value)


def test_it_is_code_and_not_data() -> None:
    rows = to_data(CUBE(U, 1))
    with pytest.raises(ValueError, match="cannot be read"):
        from_data(rows)


def test_nets_train_as_with_the_same_formula(folder: Path) -> None:
    runs = [
        deltaplan.train(deltaplan.loads(SPEC.format(file=file), folder=folder), X, X**2, backend="numpy")
        for file in ("plain", "same")
    ]
    np.testing.assert_allclose(runs[0].theta, runs[1].theta, rtol=1e-9)


def test_what_it_cannot_do_is_told_once(folder: Path) -> None:
    experiment = deltaplan.loads(SPEC.format(file="plain"), folder=folder)
    run = deltaplan.train(experiment, X, X**2)
    assert [w.message for w in run.warnings] == [
        "the native backend cannot run this: it has no code for the numpy function `cube`"
    ]
    with pytest.raises(DeltaplanError, match="no code for the numpy function `cube`"):
        deltaplan.train(experiment, X, X**2, backend="native")


def test_its_gradient_is_checked(folder: Path) -> None:
    np.savez(folder / "xy.npz", x=X[:, 0], y=X[:, 0] ** 2)
    data = 'data { npz "xy.npz"; inputs x; targets y }\n'
    rows = check_gradients(deltaplan.loads(SPEC.format(file="plain") + data, folder=folder))
    assert all(row.passed for row in rows)
    wrong = PLUGIN.replace("3 * a * u**2", "2 * a * u**2")
    (folder / "plain.py").write_text(wrong, "utf-8")
    rows = check_gradients(deltaplan.loads(SPEC.format(file="plain") + data, folder=folder))
    assert not all(row.passed for row in rows)


def test_a_run_needs_its_code_again(folder: Path) -> None:
    experiment = deltaplan.loads(SPEC.format(file="plain"), folder=folder)
    run = deltaplan.train(experiment, X, X**2, runs=folder / "runs")
    assert run.folder is not None
    with pytest.raises(DeltaplanError, match="is not run unasked"):
        deltaplan.open(run.folder)
    again = deltaplan.open(run.folder, run_plugins=True)
    np.testing.assert_array_equal(again.predict(X), run.predict(X))


def test_expressions_of_different_functions_differ() -> None:
    other = numpy_function("cube", lambda u: u**3, lambda u: 3 * u**2)
    same = CUBE(U, 1), CUBE(U, 1)
    assert same[0] is same[1]
    assert isinstance(other(U), Expr)
    assert other(U) is not same[0]
