"""Updates against the formulas by hand, over several steps; what needs no state has none."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import experiment

from deltaplan.compiler.nodes import Use
from deltaplan.compiler.optimize import Kind, Stretch, hoisted, needed_states, update_of
from deltaplan.compiler.plan import compile_plans
from deltaplan.diagnostics import Source, Span
from deltaplan.plugins.api import optimizer
from deltaplan.plugins.expressions import Op, argument, arguments, evaluate, sqrt, where
from deltaplan.runtime.backends.numpy.update import BoundUpdate

SIZE = 7
WHOLE = [Stretch(0, SIZE, Kind())]


def written(text):
    """The update of an optimizer as a spec says it, for six weights and a bias."""
    return compile_plans(
        experiment("input 2", "dense 2 tanh bias=false", "output 1", inputs=2, optimizer=text)
    ).update


def only(update):
    """The map over the whole of θ."""
    (part,) = update.parts
    assert (part.begin, part.end) == (0, SIZE)
    return part.step


def thetas(update, size, steps=6, dtype=np.float64):
    """θ after each step, with gradients that do not depend on it."""
    random = np.random.default_rng(0)
    theta, gradient = random.normal(size=size).astype(dtype), np.zeros(size, dtype)
    bound = BoundUpdate(update, {"θ": theta, "g": gradient})
    found, slopes = [theta.copy()], []
    for t in range(1, steps + 1):
        gradient[:] = random.normal(size=size)
        slopes.append(gradient.astype(np.float64))
        bound.run(t)
        found.append(theta.copy())
    return found, slopes


def sgd(theta, slopes, lr, momentum=0.0, nesterov=False):
    velocity = np.zeros_like(theta)
    for g in slopes:
        velocity = momentum * velocity + g
        theta = theta - lr * (g + momentum * velocity if nesterov else velocity)
        yield theta


def adam(theta, slopes, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(slopes, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        corrected, square = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - lr * corrected / (np.sqrt(square) + eps)
        yield theta


def adamw(theta, slopes, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, decay=1e-2, biases=False):
    m, v, decays = np.zeros_like(theta), np.zeros_like(theta), np.full_like(theta, decay)
    decays[-1] *= biases
    for t, g in enumerate(slopes, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        theta = theta * (1 - lr * decays)
        theta = theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
        yield theta


def rmsprop(theta, slopes, lr=1e-2, rho=0.99, eps=1e-8, momentum=0.0, centered=False):
    v, mean, velocity = (np.zeros_like(theta) for _ in range(3))
    for g in slopes:
        v, mean = rho * v + (1 - rho) * g * g, rho * mean + (1 - rho) * g
        scaled = g / (np.sqrt(v - mean**2 if centered else v) + eps)
        velocity = momentum * velocity + scaled
        theta = theta - lr * velocity
        yield theta


def adagrad(theta, slopes, lr=1e-2, eps=1e-10):
    total = np.zeros_like(theta)
    for g in slopes:
        total = total + g * g
        theta = theta - lr * g / (np.sqrt(total) + eps)
        yield theta


CASES = {
    "sgd(lr=0.1)": lambda w, g: sgd(w, g, 0.1),
    "sgd(lr=0.1, momentum=0.9)": lambda w, g: sgd(w, g, 0.1, 0.9),
    "sgd(lr=0.1, momentum=0.9, nesterov=true)": lambda w, g: sgd(w, g, 0.1, 0.9, True),
    "sgd(lr=0.1, nesterov=true)": lambda w, g: sgd(w, g, 0.1, 0.0, True),
    "adam": lambda w, g: adam(w, g, 1e-3),
    "adam(lr=0.1, beta1=0.5, beta2=0.9, eps=1e-3)": lambda w, g: adam(w, g, 0.1, 0.5, 0.9, 1e-3),
    "adam(lr=0.1, beta1=0)": lambda w, g: adam(w, g, 0.1, 0.0),
    "adam(lr=0.1, beta2=0)": lambda w, g: adam(w, g, 0.1, 0.9, 0.0),
    "adamw": adamw,
    "adamw(0.1, 0.5, 0.9, 1e-3, 0.2)": lambda w, g: adamw(w, g, 0.1, 0.5, 0.9, 1e-3, 0.2),
    "adamw(lr=0.1, weight_decay=0.2, decay_biases=true)": lambda w, g: adamw(
        w, g, 0.1, decay=0.2, biases=True
    ),
    "adamw(weight_decay=0)": lambda w, g: adam(w, g, 1e-3),
    "rmsprop": rmsprop,
    "rmsprop(lr=0.1, rho=0.5, eps=0.1)": lambda w, g: rmsprop(w, g, 0.1, 0.5, 0.1),
    "rmsprop(rho=0.9, momentum=0.9)": lambda w, g: rmsprop(w, g, rho=0.9, momentum=0.9),
    "rmsprop(rho=0.9, centered=true)": lambda w, g: rmsprop(w, g, rho=0.9, centered=True),
    "adagrad": adagrad,
    "adagrad(lr=0.1, eps=0.01)": lambda w, g: adagrad(w, g, 0.1, 0.01),
}


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_updates_by_hand(text, dtype):
    found, slopes = thetas(written(text), SIZE, dtype=dtype)
    tolerance = 1e-13 if dtype is np.float64 else 1e-5
    wanted = CASES[text](found[0].astype(np.float64), slopes)
    for ours, expected in zip(found[1:], wanted, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("sgd(lr=0.1)", ()),
        ("sgd(lr=0.1, nesterov=true)", ()),
        ("sgd(lr=0.1, momentum=0.9)", ("velocity",)),
        ("adam", ("m", "v")),
        ("rmsprop", ("v",)),
        ("rmsprop(momentum=0.5)", ("v", "velocity")),
        ("rmsprop(centered=true)", ("v", "mean")),
    ],
)
def test_only_needed_states_are_kept(text, states):
    update = written(text)
    assert update.states == states
    assert update.writes == ("w", *states)
    assert [t.name for t in only(update).outputs] == ["θ′", *(f"{s}′" for s in states)]


def test_biases_do_not_decay():
    update = written("adamw(lr=0.1)")
    assert [(part.begin, part.end) for part in update.parts] == [(0, 6), (6, SIZE)]
    assert [[t.size for t in part.step.outputs] for part in update.parts] == [[6] * 3, [1] * 3]
    assert only(written("adamw(lr=0.1, decay_biases=true)"))
    assert only(written("adamw(lr=0.1, weight_decay=0)"))


def test_states_that_feed_states_are_needed():
    w, g, a, b, c = (argument(n) for n in "wgabc")
    new = {"w": w - a, "a": a + b, "b": b * g, "c": c + a}
    assert needed_states([new], ("a", "b", "c")) == ("a", "b")
    assert needed_states([new, new | {"w": w - c}], ("a", "b", "c")) == ("a", "b", "c")


def test_scalars_are_evaluated_once_a_step():
    update = written("adam(lr=0.1)")
    assert {t.shape for t in update.scalars} == {()}
    assert all(arguments(e) == ("t",) for e in update.scalars.values())
    values = sorted(evaluate(e, {"t": 3.0}) for e in update.scalars.values())
    assert values == pytest.approx(sorted([1 - 0.9**3, 1 - 0.999**3]))
    assert not any("t" in arguments(e) for e in only(update).expressions)


def test_only_the_largest_scalars_are_hoisted():
    w, t = argument("w"), argument("t", scalar=True)
    decay = sqrt(1 - 0.5**t)
    assert hoisted({"w": w * decay + t, "m": w / decay}) == (decay, t)


def test_a_plan_without_scalars_has_none():
    assert written("sgd(lr=0.1)").scalars == {}


def use(contract, **values):
    return Use(contract, values, Span(Source("test", ""), 0, 0))


def test_states_may_be_called_as_hoisted_scalars_are():
    """`s1` and `x0` are names that the compiler gives too."""

    @optimizer("odd", state=("s1", "x0"))
    def odd(w, g, s1, x0, t):
        return {"w": w - s1 * 0.5**t - x0, "s1": s1 + g, "x0": x0 * 0.5**t + g}

    found, slopes = thetas(update_of(use(odd), WHOLE), SIZE)
    w, s1, x0 = found[0], np.zeros(SIZE), np.zeros(SIZE)
    for t, (g, ours) in enumerate(zip(slopes, found[1:], strict=True), start=1):
        w, s1, x0 = w - s1 * 0.5**t - x0, s1 + g, x0 * 0.5**t + g
        np.testing.assert_allclose(ours, w, rtol=1e-13)


def test_a_condition_on_the_time_is_a_number_that_is_computed_once():
    """Hoisted as it is, machine code would store a truth value where a real number belongs."""

    @optimizer("late", lr=0.1)
    def late(w, g, t, lr):
        return {"w": w - where(t > 2, lr * g, 0)}

    update = update_of(use(late), WHOLE)
    (scalar,) = (e for e in update.scalars.values() if "t" in arguments(e))
    assert scalar.op is Op.WHERE
    found, slopes = thetas(update, SIZE, steps=4)
    moved = [not np.array_equal(a, b) for a, b in pairwise(found)]
    assert moved == [False, False, True, True]
    np.testing.assert_allclose(found[-1], found[0] - 0.1 * (slopes[2] + slopes[3]))


def test_states_that_change_places():
    @optimizer("swap", state=("a", "b"))
    def swap(w, g, a, b):
        return {"w": w + a, "a": b, "b": a + g}

    found, slopes = thetas(update_of(use(swap), WHOLE), SIZE)
    w, a, b = found[0], np.zeros(SIZE), np.zeros(SIZE)
    for g, ours in zip(slopes, found[1:], strict=True):
        w, a, b = w + a, b, a + g
        np.testing.assert_allclose(ours, w, rtol=1e-13)


@given(st.floats(1e-4, 1), st.floats(0, 0.99), st.floats(0, 0.999))
def test_adam_of_any_rates(lr, beta1, beta2):
    found, slopes = thetas(written(f"adam(lr={lr!r}, beta1={beta1!r}, beta2={beta2!r})"), SIZE, steps=3)
    for ours, expected in zip(found[1:], adam(found[0], slopes, lr, beta1, beta2), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)
