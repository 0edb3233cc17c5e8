"""attention against its formula in plain numpy, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import SpecError

FILE = Path(__file__).parent / "attention.py"
SPEC = """
use "{file}"
model m {{ input {shape}; attention 3; flatten; output 1 }}
train {{ minimize mean(squared_error); optimizer sgd(lr=0.1); steps 3; precision float64 }}
"""


def spec(shape):
    return deltaplan.loads(SPEC.format(file=FILE.as_posix(), shape=shape))


def test_outputs():
    draw = np.random.default_rng(3)
    x = draw.normal(size=(6, 5, 2))
    problem = deltaplan.problem(spec("5x2"), x.reshape(6, 10), np.zeros((6, 1)))
    theta = draw.normal(size=problem.size)
    found, blocks = problem.outputs(theta)[:, 0], problem.split(theta)
    q, k, v = (x @ blocks[f"attention1.{name}"] for name in "ACD")
    scores = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(3))
    mixed = scores / scores.sum(axis=2, keepdims=True) @ v
    expected = mixed.reshape(6, 15) @ blocks["output.W"][0] + blocks["output.b"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_machine_code_takes_the_same_steps():
    experiment = deltaplan.load(FILE.parent / "specs" / "attention.dl")
    runs = [deltaplan.train(experiment, backend=backend, runs=None) for backend in ("native", "numpy")]
    losses = [[record["loss"] for record in run.history[:5]] for run in runs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)  # in float32


def test_it_looks_along_a_sequence():
    with pytest.raises(SpecError, match="`attention` looks along a sequence"):
        spec("10")
