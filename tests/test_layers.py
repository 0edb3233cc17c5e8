"""What each layer makes of shapes, how many parameters it has, and that every verb works on it."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.compiled import compiled
from deltaplan.compiler.lower import lower
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.printers import graph_dot, graph_mermaid, graph_text, summary
from deltaplan.compiler.render import render
from deltaplan.compiler.steps import Random, Sparse
from deltaplan.diagnostics import Source
from deltaplan.dsl.formatter import format_text
from deltaplan.runtime.backends.numpy.program import Program
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.dropout import fill
from deltaplan.runtime.gradcheck import gradcheck
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.patterns import cells
from deltaplan.runtime.problem import Problem
from deltaplan.runtime.trace import trace

pytestmark = pytest.mark.light

RECORDED = sorted((Path(__file__).parent / "reference" / "layers").glob("*.dl"))


def model(*lines):
    return deltaplan.loads("model m {\n" + "\n".join(lines) + "\noutput identity\n}\n")


@pytest.mark.parametrize(
    ("given", "line", "shape", "count"),
    [
        ("28x28x1", "conv 20 kernel=5", (24, 24, 20), 520),
        ("12x12x20", "conv 50 kernel=5", (8, 8, 50), 25_050),
        ("32x32x3", "conv 64 kernel=3 padding=same", (32, 32, 64), 1_792),
        ("9x7x2", "conv 4 kernel=3x2 stride=2x1 bias=false", (4, 6, 4), 48),
        ("9x7x2", "conv 4 kernel=3 dilation=2 padding=1", (7, 5, 4), 76),
        ("9x7x4", "conv 8 kernel=3 groups=4 padding=same stride=2", (5, 4, 8), 80),
        ("10x3", "conv 5 kernel=4", (7, 5), 65),
        ("10x3", "conv 5 kernel=4 padding=causal", (10, 5), 65),
        ("10x3", "conv 5 kernel=4 padding=causal stride=3", (4, 5), 65),
        ("8x8x3", "conv 4, 6 kernel=3", (4, 4, 6), 4 * 28 + 6 * 37),
        ("7x7x3", "max_pool 2", (3, 3, 3), 0),
        ("7x7x3", "max_pool 3 stride=2 padding=1", (4, 4, 3), 0),
        ("7x7x3", "max_pool 2 padding=same", (4, 4, 3), 0),
        ("7x6x3", "avg_pool 2x3", (3, 2, 3), 0),
        ("11x3", "avg_pool 4 stride=1", (8, 3), 0),
        ("7x7x3", "global_avg_pool", (3,), 0),
        ("3x2x5", "upsample 2x3", (6, 6, 5), 0),
        ("4x3", "upsample 2", (8, 3), 0),
        ("3x2x5", "flatten", (30,), 0),
        ("3x2x5", "reshape 6x5", (6, 5), 0),
        ("40", "sparse 100 density=10%", (100,), 500),
        ("40", "sparse 100 density=1% bias=false", (100,), 100),
        ("7", "sparse 3 density=100%", (3,), 24),
        ("7", "layer_norm", (7,), 14),
        ("7", "batch_norm", (7,), 14),
        ("4x4x3", "batch_norm bias=false momentum=0.99", (4, 4, 3), 3),
        ("4x4x3", "layer_norm scale=false", (4, 4, 3), 3),
        ("4x4x3", "layer_norm bias=false", (4, 4, 3), 3),
        ("4x4x3", "scale", (4, 4, 3), 3),
        ("4x4x3", "dropout 10%", (4, 4, 3), 0),
        ("4x4x3", "noise 0.1", (4, 4, 3), 0),
        ("4x4x3", "apply softmax", (4, 4, 3), 0),
        ("4x4x3", "apply 2*tanh", (4, 4, 3), 0),
        ("4x4x3", "identity", (4, 4, 3), 0),
        ("8x8x3", "conv 3 kernel=3 padding=same residual", (8, 8, 3), 84),
        ("8x8x3", "conv 6 kernel=3 stride=2 padding=same residual=project", (4, 4, 6), 168 + 18),
        ("7x7x3", "conv 6 kernel=3 stride=2 padding=same residual=project", (4, 4, 6), 168 + 18),
        ("8x8x3", "conv 6 kernel=3 padding=same residual=pad", (8, 8, 6), 168),
    ],
)
def test_shapes_and_counts(given, line, shape, count):
    found = model(f"input {given}", line)
    assert found.graph.shapes["output"] == shape
    assert sum(p.size for p in place_parameters(found.graph)) == count


def test_a_sparse_layer_is_a_dense_one_with_zeros():
    spec = deltaplan.loads("model m { input 6; sparse 5 density=40% seed=3 tanh; output 2 }")
    problem = Problem(spec, {"input": np.random.default_rng(0).normal(size=(6, 4))}, {})
    theta = problem.initial(1)
    (step,) = (s for s in lower(spec.graph, "predict").steps if isinstance(s, Sparse))
    blocks, matrix = problem.split(theta), np.zeros((5, 6))
    matrix[cells(step.pattern)] = blocks["sparse1.W"]
    z = np.tanh(matrix @ problem._inputs["input"] + blocks["sparse1.b"][:, None])
    expected = blocks["output.W"] @ z + blocks["output.b"][:, None]
    np.testing.assert_allclose(problem.outputs(theta).T, expected, rtol=1e-12)


def test_each_sparse_layer_has_places_of_its_own():
    spec = deltaplan.loads("model m { input 9; sparse 3x9 density=30%; output 1 }")
    steps = [s for s in lower(spec.graph, "predict").steps if isinstance(s, Sparse)]
    places = {tuple(map(tuple, np.transpose(cells(step.pattern)))) for step in steps}
    assert len(places) == 3


def test_noise_is_normal_in_training_and_absent_elsewhere():
    spec = deltaplan.loads(
        "model m { input 4; noise 0.5; output 4 }\ntrain { minimize mean(squared_error);"
        " optimizer sgd(0.1); steps 1 }"
    )
    assert not [s for s in lower(spec.graph, "predict").steps if s.origin == "noise1"]
    found = lower(spec.graph, "train")
    x, noisy = found.inputs["input"], found.values["noise1"]
    steps = [s for s in found.steps if s.origin == "noise1"]
    assert len({s.node for s in steps if isinstance(s, Random)}) == 2
    zeros = {x: np.zeros((4, 20_000))}
    program = Program(steps, zeros, [noisy], 20_000, np.dtype(float), lambda node, out: fill(out, 1, 0, node))
    program.run()
    values = program[noisy]
    assert abs(values.mean()) < 5 * 0.5 / 80_000**0.5
    assert values.std() == pytest.approx(0.5, rel=0.02)
    assert (np.abs(values) > 1.0).mean() == pytest.approx(0.0455, abs=0.005)  # beyond two deviations
    assert abs(np.corrcoef(values)[np.triu_indices(4, 1)]).max() < 0.04


def test_factors_and_norms_are_no_weights():
    text = "model m {{ input 3; dense 4; layer_norm; scale; output 1 }}\ntrain {{ minimize mean(huber) + {};"
    text += " optimizer sgd(0.1); steps 1 }}"
    penalty = "l2(1, on={})".format
    values = {}
    for place in ("weights", "biases", "parameters"):
        spec = deltaplan.loads(text.format(penalty(place)))
        problem = Problem(spec, {"input": np.zeros((3, 1))}, {"output": np.zeros((1, 1))})
        theta = np.arange(1.0, problem.size + 1)
        values[place] = problem.objective(theta) - problem.loss(theta)
        roles = {"weights": "weight", "biases": "bias"}
        blocks = [p for p in problem.parameters if roles.get(place, p.role) == p.role]
        expected = sum(float((theta[p.offset : p.end] ** 2).sum()) / 2 for p in blocks)
        assert values[place] == pytest.approx(expected, rel=1e-12)
    assert values["weights"] + values["biases"] < values["parameters"]


def test_norms_begin_as_the_identity_after_the_norm():
    spec = deltaplan.loads("model m { input 3; layer_norm; scale; output 1 }")
    blocks = Problem(spec, {"input": np.zeros((3, 1))}, {}).split(initial(spec.graph, 5))
    assert set(blocks["layer_norm1.scale"]) == set(blocks["scale1.scale"]) == {1.0}
    assert set(blocks["layer_norm1.b"]) == {0.0}


def test_the_default_activation_is_not_for_norms_and_joins():
    spec = deltaplan.loads(
        "model m { input 3; activation tanh; dense 3; layer_norm; a = scale; b = sparse 3 density=1; add from"
        " a, b; output 1 }"
    )
    applied = [n.name for n in spec.graph if type(n).__name__ == "Activate"]
    assert applied == ["dense1.tanh", "b.tanh"]


def samples(spec, count=5):
    random = np.random.default_rng(3)
    (source,) = (n for n in spec.graph if type(n).__name__ == "Input")
    (output,) = spec.graph.outputs
    x = random.normal(size=(count, int(np.prod(source.shape))))
    return x, random.normal(size=(count, int(np.prod(spec.graph.shapes[output.name]))))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_texts_of_a_layer_mean_the_same(path):
    """Rendered and formatted, the spec is the same model; every picture of it can be drawn."""
    text = path.read_text(encoding="utf-8")
    spec = deltaplan.load(path)
    formatted = format_text(Source("a.dl", text))
    assert format_text(Source("b.dl", formatted)) == formatted
    for other in (deltaplan.loads(render(spec)), deltaplan.loads(formatted)):
        assert [*other.graph] == [*spec.graph]
        assert other.graph.shapes == spec.graph.shapes
    plans = compiled(spec)
    for drawn in (summary(spec, plans), graph_text(spec), graph_dot(spec), graph_mermaid(spec), str(plans)):
        assert all(node.use.name in drawn or node.use.name == "dense" for node in spec.graph.layers) or (
            "forward" in drawn
        )


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_gradient_of_a_layer_and_the_trace_of_a_sample(path):
    spec = deltaplan.load(path)
    x, y = samples(spec)
    data = dataset_from_memory(spec, x, y)
    theta = initial(spec.graph, 1)
    (source,), (output,) = data.parts["train"].x, data.parts["train"].y
    arrays = {source: np.ascontiguousarray(x.T), f"target {output}": np.ascontiguousarray(y.T)}
    assert all(row.passed for row in gradcheck(spec.graph, theta, arrays, 1 / len(x)))
    shown = trace(spec, with_statistics(spec.graph, theta), data, 2)
    (predicted,) = shown.predictions
    problem = Problem(spec, {source: arrays[source]}, {output: arrays[f"target {output}"]})
    np.testing.assert_allclose(predicted.values, problem.outputs(theta)[1], rtol=1e-12)
    assert {line.tensor for line in shown.forward}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_layer_trains_and_its_run_comes_back(path, tmp_path):
    spec = deltaplan.load(path)
    x, y = samples(spec, 40)
    run = deltaplan.train(spec, x, y, runs=tmp_path)
    assert run.ended == "complete"
    again = deltaplan.open(run.folder)
    np.testing.assert_array_equal(again.predict(x), run.predict(x))
    assert again.predict(x).shape == (40, y.shape[1])
