"""A softmax that a plugin's layer writes out is bounded as the built-in one is."""

import numpy as np
import pytest

from deltaplan.compiler.load import loads
from deltaplan.runtime.initial import initial
from deltaplan.runtime.lipschitz.measure import measure

OWN = """
from deltaplan.plugins.api import exp, layer


def shares(builder, x, axis, column, shifted=True):
    powers = x
    if shifted:
        powers = builder.map(lambda x, m: exp(x - m), x, builder.reshape(builder.largest(x, axis), column))
    else:
        powers = builder.map(exp, x)
    total = builder.reshape(builder.sum(powers, (axis,)), column)
    return builder.map(lambda p, t: p / t, powers, total)


@layer("own_softmax")
def own_softmax(builder, x):
    \"\"\"exp(x)/Σ exp(x)\"\"\"
    return shares(builder, x, 0, (1,))


@layer("plain_softmax")
def plain_softmax(builder, x):
    \"\"\"The same, not shifted\"\"\"
    return shares(builder, x, 0, (1,), shifted=False)


@layer("crossed")
def crossed(builder, x):
    \"\"\"Each number over the sum of another group\"\"\"
    x = builder.reshape(x, (3, 3))
    return builder.reshape(shares(builder, x, 0, (3, 1)), (9,))


@layer("attention")
def attention(builder, x):
    \"\"\"Σ pᵢ vᵢ with p = softmax(Wx), v = Vx\"\"\"
    n = x.shape[0]
    p = shares(builder, builder.matmul(builder.weight("W", (4, n), n, 4), x), 0, (1,))
    v = builder.matmul(builder.weight("V", (4, n), n, 4), x)
    return builder.reshape(builder.sum(builder.map(lambda p, v: p * v, p, v), (0,)), (1,))
"""


def slopes(folder, line: str, inputs: int = 4):
    (folder / "own.py").write_text(OWN)
    graph = loads(
        f'use "./own.py"\nmodel m {{ input {inputs}; {line}; dense 3 tanh; output 1 }}', folder=folder
    ).graph
    vector = 2 * np.random.default_rng(0).normal(size=initial(graph, 0).size)
    return measure(graph, vector, {"input": np.random.default_rng(1).normal(size=(inputs, 80))})


@pytest.mark.parametrize("own", ["own_softmax", "plain_softmax"])
def test_it_has_the_bound_of_the_layer(tmp_path, own):
    found, known = slopes(tmp_path, own), slopes(tmp_path, "apply softmax")
    assert found.everywhere
    assert found.upper == pytest.approx(known.upper, rel=1e-12)
    assert found.layers[0].norm == 0.5
    low, high = (ends[0] for ends in found.boxes["output"])
    assert -np.inf < low < high < np.inf


def test_sums_of_other_groups_are_no_softmax(tmp_path):
    found = slopes(tmp_path, "crossed", inputs=9)
    assert not found.everywhere
    assert 0 < found.lower <= found.upper


def test_attention_is_bounded_on_the_data(tmp_path):
    found = slopes(tmp_path, "attention")
    assert 0 < found.lower <= found.upper < 30 * found.lower
