"""First values: their moments, their independence, and what they make of a net."""

import numpy as np
import pytest
from programs import experiment

from deltaplan.compiler.parameters import place_parameters
from deltaplan.runtime.initial import initial
from deltaplan.runtime.problem import Problem

WIDE = ("input 300", "dense 400 relu", "dense 400 tanh residual", "output 300")


def blocks(*model, seed=7, **options):
    """The first values of each block by its name."""
    graph = experiment(*model, **options).graph
    theta = initial(graph, seed)
    return {p.name: theta[p.offset : p.end].reshape(p.tensor.shape) for p in place_parameters(graph)}


@pytest.fixture(scope="module")
def wide():
    return blocks(*WIDE, inputs=300, targets=300)


def is_normal(values, deviation):
    """Mean, deviation and fourth moment of normal numbers, within five standard errors."""
    n = values.size
    assert abs(values.mean()) < 5 * deviation / np.sqrt(n)
    assert abs(values.std() / deviation - 1) < 5 / np.sqrt(2 * n)
    assert abs((values**4).mean() / deviation**4 - 3) < 5 * np.sqrt(96 / n)


def is_uniform(values, low, high):
    n, width = values.size, high - low
    assert low <= values.min() < low + 0.1 * width
    assert high - 0.1 * width < values.max() < high
    assert abs(values.mean() - (low + high) / 2) < 5 * width / np.sqrt(12 * n)
    assert abs(values.var() / (width**2 / 12) - 1) < 5 / np.sqrt(n)


def test_moments_of_the_default(wide):
    is_normal(wide["dense1.W"], np.sqrt(2 / 300))
    is_normal(wide["output.W"], np.sqrt(1 / 400))
    is_uniform(wide["dense1.b"], -1 / np.sqrt(300), 1 / np.sqrt(300))


def test_blocks_are_independent(wide):
    values = [b.ravel()[:400] for b in wide.values() if b.size >= 400]
    correlations = np.corrcoef(values)[np.triu_indices(len(values), 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(400)


def test_rows_and_columns_are_independent(wide):
    w = wide["dense1.W"]
    for rows in (w, w.T):
        correlations = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
        assert np.abs(correlations).max() < 6.5 / np.sqrt(rows.shape[1])


def test_a_block_does_not_depend_on_how_another_begins():
    plain = blocks("input 2", "dense 3 tanh", "dense 3 tanh", "output 1", inputs=2)
    other = blocks("input 2", "dense 3 tanh init=zeros", "dense 3 tanh", "output 1", inputs=2)
    assert (other["dense1.W"] == 0).all()
    for name in ("dense2.W", "output.W", "dense2.b", "output.b"):
        np.testing.assert_array_equal(plain[name], other[name])


def test_a_wider_layer_keeps_the_numbers_it_had():
    narrow = blocks("input 2", "dense 3 tanh", "output 1", inputs=2)
    wide = blocks("input 2", "dense 5 tanh", "output 1", inputs=2)
    np.testing.assert_array_equal(wide["dense1.W"][:3], narrow["dense1.W"])


def test_the_seed_tells_runs_apart():
    a, b, c = (blocks("input 2", "dense 3 tanh", "output 1", inputs=2, seed=s)["dense1.W"] for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.isclose(a, c).any()


@pytest.mark.parametrize(
    ("init", "low", "high"),
    [
        ("glorot", -np.sqrt(6 / 700), np.sqrt(6 / 700)),
        ("torch", -1 / np.sqrt(300), 1 / np.sqrt(300)),
        ("uniform(-0.1, 0.4)", -0.1, 0.4),
    ],
)
def test_moments_of_uniform_ones(init, low, high):
    found = blocks("input 300", f"dense 400 relu init={init}", "output 1", inputs=300)
    is_uniform(found["dense1.W"], low, high)


@pytest.mark.parametrize(("inputs", "width"), [(20, 30), (30, 20), (20, 20), (1, 5)])
def test_orthogonal_rows_or_columns(inputs, width):
    w = blocks(f"input {inputs}", f"dense {width} tanh init=orthogonal", "output 1", inputs=inputs)[
        "dense1.W"
    ]
    gram = w.T @ w if width >= inputs else w @ w.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-14)


FUNCTIONS = {
    "relu": lambda v: np.maximum(v, 0),
    "tanh": np.tanh,
    "elu": lambda v: np.where(v > 0, v, np.expm1(v)),
}


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_affine_maps_keep_their_size_through_a_plain_net(activation):
    """What the gain is for: E[v²] is near 1, layer after layer."""
    found = blocks("input 300", f"dense 8x300 {activation}", "output 1", inputs=300)
    z = np.random.default_rng(0).normal(size=(300, 500))
    for j in range(1, 9):
        v = found[f"dense{j}.W"] @ z
        z = FUNCTIONS[activation](v)
    assert 0.5 < (v**2).mean() < 2


def test_a_residual_net_of_zeros_passes_its_input_on():
    model = ("input 3", "dense 4x3 leaky_relu residual init=zeros", "output 3 init=zeros")
    stated = experiment(*model, inputs=3, targets=3)
    theta = initial(stated.graph, 7)
    assert (theta == 0).all()
    x = np.random.default_rng(0).normal(size=(3, 6))
    problem = Problem(stated, {"input": x}, {"output": np.zeros((3, 6))})
    problem.split(theta)["output.W"][:] = np.eye(3)
    np.testing.assert_array_equal(problem.per_sample_loss(theta), 0.5 * (x**2).sum(0))
