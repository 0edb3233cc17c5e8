"""adan against its recursion in plain floats."""

import math
from pathlib import Path

import pytest

import deltaplan
from deltaplan.plugins.expressions import evaluate
from deltaplan.plugins.loader import load_file

HERE = Path(__file__).parent
(ADAN,) = load_file(HERE / "adan.py")
GRADIENTS = [0.5, -1.0, 0.25, 2.0, 0.0]


def path(**settings):
    """w after each of the gradients, from w = 1 and states of 0."""
    values = {p.name: p.default for p in ADAN.parameters} | settings
    values |= {"w": 1.0, **dict.fromkeys(ADAN.state, 0.0)}
    found = []
    for t, g in enumerate(GRADIENTS, 1):
        values |= {name: evaluate(new, values | {"g": g, "t": float(t)}) for name, new in ADAN.update.items()}
        found.append(values["w"])
    return found


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps(decay):
    """The recursion of the authors' code: momentum of the gradient and of its change, proximal decay."""
    w, m, v, n, before, expected = 1.0, 0.0, 0.0, 0.0, GRADIENTS[0], []
    for t, g in enumerate(GRADIENTS, 1):
        m += (1 - 0.98) * (g - m)
        v += (1 - 0.92) * (g - before - v)
        n += (1 - 0.99) * ((g + 0.92 * (g - before)) ** 2 - n)
        root = math.sqrt(n) / math.sqrt(1 - 0.99**t) + 1e-8
        w -= 0.01 / (1 - 0.98**t) * m / root
        w -= 0.01 * 0.92 / (1 - 0.92**t) * v / root
        w /= 1 + 0.01 * decay
        before = g
        expected.append(w)
    assert path(lr=0.01, decay=decay) == pytest.approx(expected, rel=1e-12)


def test_the_first_step_has_the_length_of_the_rate():
    assert path(lr=0.01)[0] == pytest.approx(1 - 0.01)


def test_machine_code_takes_the_same_steps():
    experiment = deltaplan.load(HERE / "specs" / "adan.dl")
    runs = [deltaplan.train(experiment, backend=backend) for backend in ("native", "numpy")]
    losses = [[record["loss"] for record in run.history[:5]] for run in runs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)  # in float32
