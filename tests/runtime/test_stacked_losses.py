"""A stack of θ in one call of machine code gives what numpy gives for each."""

import numpy as np
import pytest
from effort import FULL
from programs import experiment

from deltaplan.runtime import losses
from deltaplan.runtime.native_stack import NativeStack
from deltaplan.runtime.problem import Problem

pytestmark = pytest.mark.light

MODELS = {
    "narrow": (("input 2", "dense 5, 5 leaky_relu residual", "output 2"), "mean(squared_error) + l2(0.1)"),
    "deep": (("input 2", "dense 9x5, 1 tanh residual", "output 2"), "mean(huber) + l1(0.01)"),
    "wide": (("input 2", "dense 40, 33 relu", "output 2"), "sum(squared_error) + l2(0.1, on=biases)"),
    "mixed": (("input 2", "dense 20 sigmoid", "dense 3 elu", "output 2"), "mean(absolute_error)"),
    "sparse": (("input 2", "dense 6", "sparse 5 density=30% tanh", "output 2"), "mean(squared_error)"),
    "sparse and wide": (("input 2", "dense 40", "sparse 30 density=30% elu", "output 2"), "mean(huber)"),
    "normed": (("input 2", "dense 4 tanh", "batch_norm", "dropout 0.5", "output 2"), "mean(squared_error)"),
    "classes": (("input 2", "dense 4 tanh", "output 3"), "mean(cross_entropy)"),
}


def marks_of(name, samples):
    """Few samples are as one or many, and the deep net takes longest; the most are compiled as for users."""
    if samples == 3 or (samples == 1 and name not in ("narrow", "normed")) or (name, samples) == ("deep", 40):
        return pytest.mark.long
    return FULL if samples == 150 else ()


SIZES = [
    pytest.param(name, samples, marks=marks_of(name, samples))
    for name in MODELS
    for samples in (1, 3, 40, 150)
]


@pytest.fixture
def native(monkeypatch):
    """Every stack is run natively, and it is told that it was."""
    calls = []
    monkeypatch.setattr(losses, "WORTH", 0)
    called = NativeStack.__call__
    monkeypatch.setattr(NativeStack, "__call__", lambda self, t: (calls.append(len(t)), called(self, t))[1])
    return calls


def problem(name, samples):
    lines, minimize = MODELS[name]
    classes = "cross_entropy" in minimize
    net = experiment(*lines, inputs=2, targets="k" if classes else 2, minimize=minimize)
    random = np.random.default_rng(0)
    x = random.normal(size=(2, samples))
    y = np.arange(samples) % 3 if classes else random.normal(size=(2, samples))
    made = Problem(net, {"input": x}, {"output": y})
    made.stack = made.initial(1) + 0.3 * random.normal(size=(21, made.size))
    return made


@pytest.mark.parametrize(("name", "samples"), SIZES)
def test_stacks_are_as_their_rows(native, name, samples):
    p = problem(name, samples)
    for function in (p.loss, p.objective):
        one_by_one = np.array([function(theta) for theta in p.stack])
        for count in (1, 8, 16, 21):
            found = function(p.stack[:count])
            np.testing.assert_allclose(found, one_by_one[:count], rtol=1e-12)
    assert native == [1, 8, 16, 21] * 2


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=FULL if name in ("narrow", "wide") else ()) for name in MODELS]
)
def test_in_float32(native, name):
    p = problem(name, 40)
    expected = p.objective(p.stack)
    for function in (p.objective, lambda t, **o: np.array([p.objective(row, **o) for row in t])):
        found = function(p.stack.astype(np.float32), precision="float32")
        np.testing.assert_allclose(found, expected, rtol=2e-5)
        assert not np.array_equal(found, expected)
    assert p.loss(p.stack, precision="float32").dtype == np.float32


def test_stacks_of_any_order(native):
    p = problem("narrow", 40)
    expected = [p.loss(theta) for theta in p.stack]
    np.testing.assert_allclose(p.loss(np.asfortranarray(p.stack)), expected, rtol=1e-12)
    np.testing.assert_allclose(p.loss(p.stack[::-1]), expected[::-1], rtol=1e-12)
    np.testing.assert_allclose(p.loss(p.stack.tolist()), expected, rtol=1e-12)
    assert p.loss(p.stack[:0]).shape == (0,)


def test_nan_stays_in_its_net(native):
    p = problem("narrow", 40)
    expected = np.array([p.loss(theta) for theta in p.stack])
    p.stack[3, 5], expected[3] = np.nan, np.nan
    p.stack[9, 0], expected[9] = np.inf, np.nan
    found = p.loss(p.stack)
    np.testing.assert_allclose(found[np.isfinite(expected)], expected[np.isfinite(expected)], rtol=1e-12)
    assert not np.isfinite(found[[3, 9]]).any()


def test_small_stacks_are_not_compiled(monkeypatch):
    made = []
    monkeypatch.setattr(losses.Losses, "_native", lambda self, objective: made.append(objective))
    p = problem("narrow", 40)
    p.loss(p.stack)
    assert not made
    p.loss(np.tile(p.stack, (500, 1)))
    assert made == [False]


# planes
@pytest.mark.parametrize(("name", "samples"), SIZES)
def test_a_plane_is_the_stack_of_its_points(native, monkeypatch, name, samples):
    p = problem(name, samples)
    center, first, second = p.stack[:3]
    a, b = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-0.5, 0.5, 7))
    stack = center + a[..., None] * first + b[..., None] * second
    for precision, tolerance in (("float64", 1e-11), ("float32", 2e-4)):
        for objective, function in ((False, p.loss), (True, p.objective)):
            expected = function(stack.reshape(-1, p.size), precision=precision).reshape(a.shape)
            found = p.plane(center, first, second, a, b, objective=objective, precision=precision)
            np.testing.assert_allclose(found, expected, rtol=tolerance)
            assert found.shape == (7, 5)
    monkeypatch.setattr(losses, "WORTH", np.inf)
    by_numpy = p.plane(center, first, second, a, b)
    np.testing.assert_allclose(p.loss(stack.reshape(-1, p.size)), by_numpy.ravel(), rtol=1e-11)


def test_a_line_and_a_point_are_planes(native):
    p = problem("narrow", 40)
    center, first, second = p.stack[:3]
    line = p.plane(center, first, second, np.linspace(0, 1, 9), 0.0)
    np.testing.assert_allclose(line[[0, 8]], [p.loss(center), p.loss(center + first)], rtol=1e-12)
    assert p.plane(center, first, second, 0.0, 0.0) == pytest.approx(p.loss(center), rel=1e-12)


def test_what_is_no_plane_is_told(native):
    p = problem("narrow", 3)
    with pytest.raises(ValueError, match="second has"):
        p.plane(p.stack[0], p.stack[1], p.stack[2][:-1], 0.0, 0.0)
    with pytest.raises(ValueError, match="one center and two directions"):
        p.plane(p.stack[0], p.stack, p.stack[2], 0.0, 0.0)
