"""lion against its recursion in plain floats."""

import math
from itertools import pairwise
from pathlib import Path

import pytest

from deltaplan.plugins.expressions import evaluate
from deltaplan.plugins.loader import load_file

(LION,) = load_file(Path(__file__).with_name("lion.py"))
GRADIENTS = [0.5, -1.0, 0.25, 2.0, 0.0]


def path(**settings):
    """w after each of the gradients, from w = 1 and m = 0."""
    values = {p.name: p.default for p in LION.parameters} | settings | {"w": 1.0, "m": 0.0}
    found = []
    for g in GRADIENTS:
        values |= {name: evaluate(new, values | {"g": g}) for name, new in LION.update.items()}
        found.append(values["w"])
    return found


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps(decay):
    w, m, expected = 1.0, 0.0, []
    for g in GRADIENTS:
        w -= 0.01 * (math.copysign(1.0, 0.9 * m + 0.1 * g) + decay * w)
        m = 0.99 * m + 0.01 * g
        expected.append(w)
    assert path(lr=0.01, decay=decay) == pytest.approx(expected, rel=1e-14)


def test_every_step_has_the_length_of_the_rate():
    w = [1.0, *path(lr=0.01)]
    assert [abs(b - a) for a, b in pairwise(w)] == pytest.approx([0.01] * len(GRADIENTS))


def test_it_rests_without_a_gradient():
    still = {"w": 0.3, "g": 0.0, "m": 0.0, "lr": 0.1, "beta1": 0.9, "beta2": 0.99, "decay": 0.0}
    assert evaluate(LION.update["w"], still) == 0.3


def test_it_keeps_one_vector():
    assert LION.state == ("m",)
