"""Layers of somebody else over the builder: the formulas in plain numpy, gradients, and both backends."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError, SpecError
from deltaplan.plugins.loader import load_file
from deltaplan.testing.suite import check

FILE = Path(__file__).parent / "deltaplan-layers" / "deltaplan_layers.py"
SPEC = """
use "{file}"
model m {{ input {shape}; own = {line}; flatten; output 1 }}
train {{ minimize mean(squared_error); optimizer sgd(lr=0.1); steps 1; precision float64 }}
"""


def outputs(shape, line, seed=3):
    """The layer's output by numpy's plan, its inputs and its parameters by name."""
    experiment = deltaplan.loads(SPEC.format(file=FILE.as_posix(), shape=shape, line=line))
    sides = tuple(map(int, shape.split("x")))
    x = np.random.default_rng(seed).normal(size=(5, int(np.prod(sides))))
    problem = deltaplan.problem(experiment, x, np.zeros((5, 1)))
    theta = np.random.default_rng(seed + 1).normal(size=problem.size)
    blocks = problem.split(theta)
    last = {name: blocks.pop(name) for name in list(blocks) if name.startswith("output")}
    found = problem.outputs(theta)[:, 0]
    return (
        found,
        x.reshape(5, *sides),
        {n.partition(".")[2]: b for n, b in blocks.items()},
        list(last.values()),
    )


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_a_gated_linear_unit():
    found, x, p, (w, b) = outputs("6", "gated_linear 4")
    own = (x @ p["V"].T + p["c"]) * sigmoid(x @ p["W"].T + p["b"])
    np.testing.assert_allclose(found, (own @ w.T + b)[:, 0], rtol=1e-12)


def test_maxout():
    found, x, p, (w, b) = outputs("6", "maxout 4 pieces=3")
    own = np.max([x @ p[f"W{k}"].T + p[f"b{k}"] for k in (1, 2, 3)], axis=0)
    np.testing.assert_allclose(found, (own @ w.T + b)[:, 0], rtol=1e-12)


@pytest.mark.parametrize("shape", ["5x4", "3x5x8"])
def test_squeeze_and_excitation(shape):
    found, x, p, (w, b) = outputs(shape, "squeeze_excite ratio=2")
    means = x.mean(axis=tuple(range(1, x.ndim - 1)))
    gates = sigmoid(np.maximum(means @ p["W1"].T + p["b1"], 0) @ p["W2"].T + p["b2"])
    own = x * gates.reshape(5, *[1] * (x.ndim - 2), -1)
    np.testing.assert_allclose(found, (own.reshape(5, -1) @ w.T + b)[:, 0], rtol=1e-12)


OWN_MATRIX = """
from deltaplan.plugins.api import layer


@layer("own_matrix")
def own_matrix(builder, x):
    \"\"\"M(x) x, with a matrix that each sample has of its own\"\"\"
    (n,) = x.shape
    entries = builder.matmul(builder.weight("W", (n * n, n), n, n), x)
    return builder.matmul(builder.reshape(entries, (n, n)), x)
"""


def test_a_matrix_of_each_sample_times_its_vector(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN_MATRIX)
    experiment = deltaplan.loads(SPEC.format(file=file.as_posix(), shape="4", line="own_matrix"))
    x = np.random.default_rng(3).normal(size=(5, 4))
    problem = deltaplan.problem(experiment, x, np.zeros((5, 1)))
    theta = np.random.default_rng(4).normal(size=problem.size)
    blocks = problem.split(theta)
    matrices = (x @ blocks["own.W"].T).reshape(5, 4, 4)
    own = np.einsum("bij,bj->bi", matrices, x) @ blocks["output.W"][0] + blocks["output.b"]
    np.testing.assert_allclose(problem.outputs(theta)[:, 0], own, rtol=1e-12)
    (own_layer,) = load_file(file)
    assert all(result.state == "passed" for result in check(own_layer).results)


@pytest.mark.slow
@pytest.mark.parametrize("layer", load_file(FILE), ids=lambda layer: layer.name)
def test_it_conforms_on_both_backends(layer):
    report = check(layer)
    assert all(result.state == "passed" for result in report.results), report


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("builder.sum(x, (1,))", "axis 1 of a shape 4"),
        ("builder.reverse(x, -1)", "axis -1 of a shape 4"),
        ("builder.slice(x, 0, 2, 5)", "the slice 2:5 of the 4 on axis 0 of 4"),
        ("builder.pad(x, 0, -1, 1)", "-1 zeros before and 1 after axis 0"),
        ("builder.reshape(x, (3,))", "3 holds 3 numbers, not 4"),
        ("builder.matmul(x, x)", "a matrix of shape 4 times one of shape 4"),
        ("builder.map(lambda u: 1.0, x)", "a map's function gave float, not an expression"),
        ("builder.map(lambda u, v: u, x)", "TypeError: "),
    ],
)
def test_a_slip_of_the_author_is_told_at_the_line_of_the_spec(written, words, tmp_path):
    file = tmp_path / "slip.py"
    file.write_text(
        "from deltaplan.plugins.api import layer\n\n\n"
        f"@layer('slip', trained=False)\ndef slip(builder, x):\n    return {written}\n"
    )
    with pytest.raises(DeltaplanError) as caught:
        deltaplan.loads(SPEC.format(file=file.as_posix(), shape="4", line="slip"))
    assert "<text>:3:" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "line", "words"),
    [
        ("8x8x4", "gated_linear 3", "it takes a vector; `flatten` above it makes one"),
        ("6", "squeeze_excite", "scales the channels of sequences and pictures"),
        ("8x3", "squeeze_excite ratio=4", "3 channels are fewer than the ratio, 4"),
        ("6", "maxout 3 pieces=1", "at least 2"),
        ("6", "maxout 3 pieces=1.5", "must be whole, and is 1.5"),
    ],
)
def test_what_does_not_fit_is_told_at_the_line_of_the_spec(shape, line, words):
    with pytest.raises(SpecError) as caught:
        deltaplan.loads(SPEC.format(file=FILE.as_posix(), shape=shape, line=line))
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.span.line == 3
    assert words in str(caught.value)
