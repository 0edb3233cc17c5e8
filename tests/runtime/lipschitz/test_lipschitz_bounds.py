"""Bounds of slopes: never below a slope that is reached, and equal to it where the net is linear."""

import random

import numpy as np
import pytest

from deltaplan.compiler.load import loads
from deltaplan.compiler.nodes import Input
from deltaplan.diagnostics import SpecError
from deltaplan.plugins.loader import builtin_registry
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.lipschitz.flow import Flow
from deltaplan.runtime.lipschitz.measure import measure, upper_bound
from deltaplan.runtime.lipschitz.steepest import Jacobian, steepest

SMOOTH = [
    "relu",
    "tanh",
    "sigmoid",
    "leaky_relu(0.1)",
    "elu(0.7)",
    "softplus",
    "silu",
    "gelu",
    "mish",
    "0.5*tanh",
]


def vectors(rng):
    """A net on vectors, of layers and joins of all kinds."""
    lines = [f"input {rng.randint(1, 4)}"]
    for number in range(rng.randint(1, 4)):
        act, other, width, name = rng.choice(SMOOTH), rng.choice(SMOOTH), rng.randint(1, 6), f"a{number}"
        lines += rng.choice([
            [f"dense {width} {act}"],
            [f"dense {width} {act}", f"dense {width} x 2 {act} residual"],
            [f"sparse {width} density=50% {act}"],
            [f"dense {width + 1}", "layer_norm"],
            ["apply softmax"],
            ["batch_norm"],
            ["scale"],
            [
                f"{name} = dense {width} {act}",
                f"{name}b = dense {width} {other} from {name}",
                f"{rng.choice(['add', 'sub', 'mul', 'concat'])} from {name}, {name}b",
            ],
        ])  # fmt: skip
    return [*lines, f"output {rng.randint(1, 3)}"]


def pictures(rng):
    """A net on pictures or sequences."""
    lines = [rng.choice(["input 6x5x2", "input 7x1", "input 8x8x1", "input 9x2"])]
    for _ in range(rng.randint(1, 3)):
        act, stride, edge = rng.choice(SMOOTH), rng.choice([1, 2]), rng.choice(["same", "1"])
        lines += rng.choice([
            [f"conv {rng.choice([2, 4])} kernel={rng.choice([1, 3])} padding={edge} stride={stride} {act}"],
            ["max_pool 2 stride=1 padding=same"],
            ["avg_pool 2 stride=1 padding=same"],
            ["upsample 2"],
            ["batch_norm"],
        ])  # fmt: skip
    return [*lines, rng.choice(["flatten", "global_avg_pool"]), "dense 4 tanh", f"output {rng.randint(1, 3)}"]


def linear(lines):
    """The net without all that is not linear."""
    kept = [line for line in lines if not line.startswith(("max_pool", "layer_norm", "apply"))]
    for act in SMOOTH:
        kept = [line.replace(f" {act}", "") for line in kept]
    return [line.replace("mul from", "add from") for line in kept]


def net(lines, seed, factor=1.0):
    graph = loads("model m {\n" + "\n".join(lines) + "\n}").graph
    theta = initial(graph, seed) * factor
    vector = with_statistics(graph, theta)
    rng = np.random.default_rng(seed)
    vector[theta.size :] = rng.uniform(0.2, 2, vector.size - theta.size)
    samples = {n.name: rng.uniform(-2, 2, (int(np.prod(n.shape)), 40)) for n in graph.of(Input)}
    return graph, vector, samples


def check(lines, seed, factor=1.0):
    graph, vector, samples = net(lines, seed, factor)
    upper = upper_bound(graph, vector, samples)
    whole = np.concatenate([*samples.values()])
    low, high = whole.min(axis=1), whole.max(axis=1)
    found = steepest(graph, vector, whole, low, high)
    assert found.slope <= upper * (1 + 1e-9), lines
    points = low[:, None] + (high - low)[:, None] * np.random.default_rng(seed).random((len(low), 60))
    values = Jacobian(graph, vector, 60).values(points)
    rise, run = np.linalg.norm(np.diff(values), axis=0), np.linalg.norm(np.diff(points), axis=0)
    assert (rise <= upper * run * (1 + 1e-9) + 1e-12).all(), lines
    return upper, found.slope


def specs(count, begin=0):
    for seed in range(begin, begin + count):
        rng = random.Random(seed)
        lines = vectors(rng) if rng.random() < 0.6 else pictures(rng)
        try:
            loads("model m {\n" + "\n".join(lines) + "\n}")
        except SpecError:
            continue  # a skip that fits nowhere
        yield seed, lines


@pytest.mark.parametrize("begin", [0, pytest.param(1000, marks=pytest.mark.long)])
def test_no_slope_is_above_the_bound(begin):
    for seed, lines in specs(540 if begin else 12, begin):
        check(lines, seed, random.Random(seed).choice([1, 3]))


@pytest.mark.parametrize("begin", [0, pytest.param(1000, marks=pytest.mark.long)])
def test_of_a_linear_net_the_bound_is_the_slope(begin):
    for seed, lines in specs(150 if begin else 10, begin):
        upper, slope = check(linear(lines), seed)
        assert upper == pytest.approx(slope, rel=1e-9), lines


def test_a_deep_identity_net_is_the_norm_of_the_product():
    graph, vector, samples = net(["input 3", "dense 3 x 4 residual", "output 2"], 5)
    weights = [p.reshape(s) for p, s in _weights(graph, vector)]
    product = weights[0]
    for w in weights[1:-1]:
        product = product + w @ product
    found = measure(graph, vector, samples)
    assert found.upper == pytest.approx(np.linalg.norm(weights[-1] @ product, 2), rel=1e-12)
    by_layer = np.prod([1 + np.linalg.norm(w, 2) for w in weights[1:-1]])
    ends = np.linalg.norm(weights[0], 2) * np.linalg.norm(weights[-1], 2)
    assert found.product == pytest.approx(ends * by_layer, rel=1e-12)
    assert found.lower == pytest.approx(found.upper, rel=1e-9)


def _weights(graph, vector):
    from deltaplan.compiler.parameters import place_parameters

    return [(vector[p.offset : p.end], p.tensor.shape) for p in place_parameters(graph) if p.role == "weight"]


def test_rows_are_the_lectures_product():
    graph, vector, samples = net(["input 2", "dense 5 sigmoid", "dense 5 sigmoid residual", "output 1"], 2)
    found = measure(graph, vector, samples)
    norms = [float(np.linalg.norm(w.reshape(s), 2)) for w, s in _weights(graph, vector)]
    assert [row.norm for row in found.layers] == pytest.approx(norms, rel=1e-12)
    assert [row.slope for row in found.layers] == [0.25, 0.25, None]
    bound = norms[0] / 4 * (1 + norms[1] / 4) * norms[2]
    assert found.product == pytest.approx(bound, rel=1e-12)
    assert found.layers[-1].bound == found.upper
    assert 0 < found.layers[0].average < 0.25
    assert found.everywhere
    assert found.lower >= found.mean > 0


def test_several_inputs_and_outputs():
    lines = ["a = input 2", "b = input 3", "u = dense 4 tanh from a", "v = dense 4 from b", "add from u, v"]
    graph, vector, samples = net(
        [*lines, "h = dense 3 relu", "y = output 1 from h", "z = output 2 from h"], 1
    )
    found = measure(graph, vector, samples)
    assert found.lower <= found.upper
    assert set(found.boxes) == {"y", "z"}


def test_what_is_steeper_and_steeper_is_bounded_on_the_data():
    lines = ["input 2", "a = dense 3 tanh", "b = dense 3 from a", "mul from a, b", "output 1"]
    graph, vector, samples = net(lines, 4)
    found = measure(graph, vector, samples)
    assert not found.everywhere
    assert found.lower <= found.upper < np.inf
    larger = {name: 10 * array for name, array in samples.items()}
    assert measure(graph, vector, larger).upper >= found.upper


OWN_MATRIX = """
from deltaplan.plugins.api import layer


@layer("own_matrix")
def own_matrix(builder, x):
    \"\"\"M(x) x, with a matrix that each sample has of its own\"\"\"
    (n,) = x.shape
    entries = builder.matmul(builder.weight("W", (n * n, n), n, n), x)
    return builder.matmul(builder.reshape(entries, (n, n)), x)
"""


def test_a_product_of_two_tensors_is_bounded_on_the_data(tmp_path):
    (tmp_path / "own.py").write_text(OWN_MATRIX)
    text = 'use "./own.py"\nmodel m { input 3; own_matrix; dense 3 tanh; output 1 }'
    graph = loads(text, folder=tmp_path).graph
    vector = np.random.default_rng(0).normal(size=initial(graph, 0).size)
    samples = {"input": np.random.default_rng(1).normal(size=(3, 50))}
    found = measure(graph, vector, samples)
    assert not found.everywhere
    assert 0 < found.lower <= found.upper < np.inf
    values = Jacobian(graph, vector, 50).values(samples["input"])
    low, high = found.boxes["output"]
    assert (low <= values.min()).all()
    assert (high >= values.max()).all()


@pytest.mark.parametrize("seed", range(6))
def test_outputs_stay_in_their_boxes(seed):
    for number, lines in specs(3, 50 + 3 * seed):
        graph, vector, samples = net(lines, number)
        low, high = ({n: a.min(1) for n, a in samples.items()}, {n: a.max(1) for n, a in samples.items()})
        flow = Flow(graph, vector, low, high).run()
        ends = np.concatenate([*low.values()])[:, None], np.concatenate([*high.values()])[:, None]
        points = ends[0] + (ends[1] - ends[0]) * np.random.default_rng(seed).random((len(ends[0]), 300))
        points[:, :20] = ends[0] + (ends[1] - ends[0]) * np.random.default_rng(seed).integers(
            0, 2, (len(ends[0]), 20)
        )
        values = Jacobian(graph, vector, 300).values(points)
        box = flow.found["output"].box
        assert (values >= box[0].reshape(-1, 1) - 1e-12).all()
        assert (values <= box[1].reshape(-1, 1) + 1e-12).all()


def test_every_activation_has_a_constant():
    names = builtin_registry().names("activation")
    for name in names:
        graph, vector, samples = net(["input 1", f"dense 1 {name}", "output 1"], 1)
        assert 0.2 < measure(graph, vector, samples).layers[0].slope <= 1.13
