"""Operator norms beside matrices that are written out by hand."""

from itertools import product

import numpy as np
import pytest

from deltaplan.compiler.load import loads
from deltaplan.compiler.lower import lower
from deltaplan.compiler.steps import Conv
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.lipschitz import norms
from deltaplan.runtime.lipschitz.flow import Flow


def flow_of(lines, seed=3, scale=1.0):
    """The walk over a model of these lines at its first parameters, and θ by block."""
    graph = loads("model m {\n" + lines + "\n}").graph
    vector = scale * with_statistics(graph, initial(graph, seed))
    low = {node.name: -np.ones(node.shape) for node in graph if type(node).__name__ == "Input"}
    blocks = {
        p.name: vector[p.offset : p.end].reshape(p.tensor.shape) for p in lower(graph, "predict").parameters
    }
    return Flow(graph, vector, low, {name: -end for name, end in low.items()}).run(), blocks


def unrolled(w, sides, stride, dilation, before, after, groups):
    """The matrix of a convolution, number by number: y[o] = Σ w[o, k, c] x[p·s + k·d − b, c]."""
    kernel, inputs = w.shape[1:-1], w.shape[-1] * groups
    places = [
        (n + b + a - d * (k - 1) - 1) // s + 1
        for n, b, a, d, k, s in zip(sides, before, after, dilation, kernel, stride, strict=True)
    ]
    matrix = np.zeros((*places, w.shape[0], *sides, inputs))
    for place, offset in product(np.ndindex(*places), np.ndindex(*kernel)):
        at = [
            p * s + o * d - b for p, s, o, d, b in zip(place, stride, offset, dilation, before, strict=True)
        ]
        if not all(0 <= i < n for i, n in zip(at, sides, strict=True)):
            continue
        for out in range(w.shape[0]):
            first = out // (w.shape[0] // groups) * w.shape[-1]
            for c in range(w.shape[-1]):
                matrix[(*place, out, *at, first + c)] += w[(out, *offset, c)]
    return matrix.reshape(int(np.prod(places)) * w.shape[0], -1)


CONVOLUTIONS = [
    ("input 7x6x2", "conv 3 kernel=3", (7, 6), (1, 1), (1, 1), (0, 0), (0, 0), 1),
    ("input 7x6x2", "conv 4 kernel=3 padding=same", (7, 6), (1, 1), (1, 1), (1, 1), (1, 1), 1),
    ("input 8x7x2", "conv 4 kernel=3 padding=1 stride=2", (8, 7), (2, 2), (1, 1), (1, 1), (1, 1), 1),
    ("input 9x8x4", "conv 4 kernel=2 dilation=3 groups=2", (9, 8), (1, 1), (3, 3), (0, 0), (0, 0), 2),
    ("input 9x8x1", "conv 2 kernel=3x2 padding=2", (9, 8), (1, 1), (1, 1), (2, 2), (2, 2), 1),
    ("input 12x3", "conv 5 kernel=4 padding=causal", (12,), (1,), (1,), (3,), (0,), 1),
    ("input 12x4", "conv 4 kernel=3 stride=3 groups=4", (12,), (3,), (1,), (0,), (0,), 4),
]


@pytest.mark.parametrize(("source", "line", *"nsdbag"), CONVOLUTIONS, ids=[c[1] for c in CONVOLUTIONS])
def test_convolutions_are_the_matrices_that_they_are(source, line, n, s, d, b, a, g, monkeypatch):
    lines = f"{source}\n{line}\nflatten\noutput 1"
    flow, blocks = flow_of(lines)
    wanted = np.linalg.norm(unrolled(blocks["conv1.W"], n, s, d, b, a, g), 2)
    found = flow.found["conv1"]
    assert found.exact
    assert found.factor == pytest.approx(wanted, rel=1e-8)
    assert found.factor >= wanted
    (step,) = (step for step in lower(flow.graph, "predict").steps if isinstance(step, Conv))
    bound = norms.conv_bound(step, blocks["conv1.W"])  # what larger ones get
    assert wanted <= bound.value <= 1.6 * wanted
    assert not bound.exact


def test_the_bound_of_a_large_convolution_is_near():
    flow, blocks = flow_of("input 40x40x3\nconv 8 kernel=3 padding=same\nglobal_avg_pool\noutput 1")
    found = flow.found["conv1"]
    assert not found.exact
    small = np.linalg.norm(unrolled(blocks["conv1.W"], (14, 14), (1, 1), (1, 1), (1, 1), (1, 1), 1), 2)
    assert small <= found.factor <= 1.05 * small  # more places only add to the norm


@pytest.mark.parametrize(
    ("lines", "node", "norm"),
    [
        ("input 6x6x2\navg_pool 2\nflatten\noutput 1", "avg_pool1", 1 / 2),  # ¼ of four: 1/√4
        ("input 6x6x2\nmax_pool 2\nflatten\noutput 1", "max_pool1", 1),
        ("input 8x8x1\nmax_pool 3 stride=1\nflatten\noutput 1", "max_pool1", 3),  # nine windows see a number
        ("input 3x4x2\nupsample 2\nflatten\noutput 1", "upsample1", 2),
        ("input 5x4x2\nglobal_avg_pool\noutput 1", "global_avg_pool1", 20**-0.5),
        ("input 6\nlayer_norm\noutput 1", "layer_norm1", 1e-5**-0.5),
        ("input 6\ns = apply softmax\noutput 1", "s", 0.5),
        ("input 4\nbatch_norm\noutput 1", "batch_norm1", (1 + 1e-5) ** -0.5),
    ],
)
def test_layers_without_weights(lines, node, norm):
    flow, _ = flow_of(lines)
    assert flow.found[node].factor == pytest.approx(norm, rel=1e-9)


def test_dense_and_sparse_layers():
    flow, blocks = flow_of("input 9\ndense 30\nsparse 20 density=30%\noutput 1")
    assert flow.found["dense1"].factor == pytest.approx(np.linalg.norm(blocks["dense1.W"], 2), rel=1e-12)
    step = np.linalg.norm(blocks["sparse1.W"])  # all entries, the pattern aside
    assert 0 < flow.found["sparse1"].factor < step


def test_matrices_of_any_size(monkeypatch):
    rng = np.random.default_rng(1)
    for shape in [(3, 4), (200, 150), (150, 200), (1, 50), (50, 1)]:
        a = rng.normal(size=shape) * 1e200  # whose square overflows
        found = norms.matrix_norm(a)
        assert found.value == pytest.approx(np.linalg.norm(a / 1e200, 2) * 1e200, rel=1e-11)
        assert found.exact
    monkeypatch.setattr(norms, "SIDE", 10)
    a = rng.normal(size=(40, 30))
    found = norms.matrix_norm(a)
    assert not found.exact
    assert np.linalg.norm(a, 2) <= found.value <= np.linalg.norm(a) * (1 + 1e-12)
    assert norms.matrix_norm(np.zeros((4, 4))).value == 0
    assert norms.matrix_norm(np.full((2, 2), np.inf)).value == np.inf
