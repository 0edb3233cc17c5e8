"""`share=`: layers that use the parameters of others."""

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.lower import lower
from deltaplan.compiler.parameters import place_parameters, place_statistics
from deltaplan.compiler.render import render
from deltaplan.runtime.gradcheck import gradcheck
from deltaplan.runtime.initial import initial
from deltaplan.runtime.problem import Problem

TRAIN = "\ntrain {{ minimize mean(squared_error){}; optimizer sgd(0.1); epochs 3; only output }}\n"
TOWER = """
block tower(width) {{
    dense width tanh
    residual {{ dense width relu; dense width }}
}}
model twins {{
    left = input 4
    right = input 4
    a = tower 6 from left
    b = tower 6 {} from right
    concat from a, b
    output 1
}}
"""
BATCH = 5


def counted(spec):
    return sum(p.size for p in place_parameters(spec.graph))


def data(spec, seed=0):
    random = np.random.default_rng(seed)
    inputs = {
        n.name: random.normal(size=(int(np.prod(n.shape)), BATCH))
        for n in spec.graph
        if type(n).__name__ == "Input"
    }
    return inputs, {"output": random.normal(size=(1, BATCH))}


def test_what_is_shared_is_counted_once():
    apart, shared = (deltaplan.loads(TOWER.format(word)) for word in ("", "share=a"))
    tower = 4 * 6 + 6 + 2 * (6 * 6 + 6)
    assert counted(apart) == 2 * tower + 13
    assert counted(shared) == tower + 13
    assert [n.share for n in shared.graph.layers if n.share] == ["a.dense1", "a.dense2", "a.dense3"]


def test_a_shared_net_is_one_whose_copies_are_equal():
    """Its outputs are those of the net with two copies, its gradient the sum of those of the copies."""
    apart, shared = (deltaplan.loads(TOWER.format(word) + TRAIN.format("")) for word in ("", "share=a"))
    inputs, targets = data(apart)
    one, two = Problem(shared, inputs, targets), Problem(apart, inputs, targets)
    theta = one.initial(3)
    both = np.empty(two.size)
    for name, block in two.split(both).items():
        block[...] = one.split(theta)[name.replace("b.dense", "a.dense")]
    np.testing.assert_allclose(one.outputs(theta), two.outputs(both), rtol=1e-12)
    slopes, copies = one.split(one.objective_grad(theta)), two.split(two.objective_grad(both))
    for name, slope in slopes.items():
        other = copies.get(name.replace("a.dense", "b.dense"), 0) if name.startswith("a.") else 0
        np.testing.assert_allclose(slope, copies[name] + other, rtol=1e-11, atol=1e-13)
    hessian = [problem.hvp(at, np.ones_like(at)) for problem, at in ((one, theta), (two, both))]
    assert hessian[0].sum() == pytest.approx(hessian[1].sum(), rel=1e-10)


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ("a = dense 4 tanh; dense 4 share=a; dense 4 relu share=a; output 1", 25),
        ("a = dense 4, 6 tanh; b = dense 4 tanh; c = dense 4, 6 share=a; output 1 from c", 85),
        ("dense 4 tanh; dense 4 share=dense1; output 1", 25),
        ("a = dense 4; b = dense 4 share=a; c = dense 4 share=b; output 1", 25),
        ("reshape 2x2x1; a = conv 2 kernel=1 from reshape1; b = conv 2 kernel=1 share=a from reshape1;"
         " add from a, b; flatten; output 1", 13),
        ("a = sparse 4 density=50%; b = sparse 4 density=50% share=a; output 1", 17),
        ("a = dense 6 residual=project; b = dense 6 residual=project share=a from input; output 1", 61),
        ("a = layer_norm; b = layer_norm share=a; output 1", 13),
    ],
)  # fmt: skip
def test_lines_of_every_kind_share(lines, count):
    spec = deltaplan.loads(f"model m {{ input 4; {lines} }}" + TRAIN.format(""))
    assert counted(spec) == count
    assert [*deltaplan.loads(render(spec)).graph] == [*spec.graph]
    inputs, targets = data(spec)
    arrays = inputs | {"target output": targets["output"]}
    assert all(row.passed for row in gradcheck(spec.graph, initial(spec.graph, 2), arrays, 1 / BATCH))


def test_outputs_share():
    spec = deltaplan.loads(
        "model m { input 3; a = dense 4; x = output 2 from a; y = output 2 share=x from a }"
    )
    problem = Problem(spec, {"input": np.ones((3, 2))}, {})
    theta = problem.initial(0)
    np.testing.assert_array_equal(problem.outputs(theta, output="x"), problem.outputs(theta, output="y"))
    assert counted(spec) == 26


def test_a_layer_that_only_lends_its_parameters_stays():
    spec = deltaplan.loads("model m { input 3; a = dense 3 tanh; b = dense 3 share=a from input; output 1 }")
    assert counted(spec) == 16
    problem = Problem(spec, {"input": np.ones((3, 2))}, {})
    blocks = problem.split(problem.initial(1))
    v = blocks["a.W"] @ np.ones((3, 2)) + blocks["a.b"][:, None]
    expected = blocks["output.W"] @ v + blocks["output.b"][:, None]
    np.testing.assert_allclose(problem.outputs(problem.initial(1)).T, expected, rtol=1e-12)


def test_places_lead_to_the_shared_parameters():
    text = "model m { input 3; a = dense 3; b = dense 3 share=a; output 1 }"
    problems = {}
    for place in ("a", "b"):
        spec = deltaplan.loads(text + TRAIN.format(f" + l2(1, on={place})"))
        problems[place] = Problem(spec, *data(spec))
    theta = problems["a"].initial(0)
    assert problems["a"].objective(theta) == problems["b"].objective(theta) > problems["a"].loss(theta)


def test_a_shared_norm_moves_its_statistics_at_each_use():
    spec = deltaplan.loads(
        "model m { input 2; a = batch_norm; b = batch_norm share=a; output 1 }" + TRAIN.format("")
    )
    trace = lower(spec.graph, "train")
    assert [s.name for s in place_statistics(spec.graph)] == ["a.mean", "a.variance"]
    assert sorted(t.name for t in trace.updated) == ["mean1\N{PRIME}\N{PRIME}", "variance1\N{PRIME}\N{PRIME}"]
    x = np.array([[1.0, 3.0], [2.0, 6.0]])
    run = deltaplan.train(spec, x, np.ones(2), runs=None, backend="numpy")
    mean, variance = run.statistics.reshape(2, 2)
    expected = np.zeros(2)
    for _ in range(3):  # the second use sees mean 0
        expected = 0.9 * (0.9 * expected + 0.1 * x.mean(0))
    np.testing.assert_allclose(mean, expected, rtol=1e-6)
    assert (variance != 1).all()
