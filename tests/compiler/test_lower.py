"""The forward steps of a spec: the lecture's names, the layout of θ, losses, penalties and joins."""

import numpy as np
import pytest
from programs import experiment, random_values, run

from deltaplan.compiler.fuse import prune
from deltaplan.compiler.lower import lower
from deltaplan.compiler.penalties import merged, separable
from deltaplan.compiler.plan import evaluate_plan, train_plan
from deltaplan.compiler.steps import Map, MatMul, Random
from deltaplan.diagnostics import SpecError
from deltaplan.plugins.expressions import abs, amax, argument, sqrt, sum
from deltaplan.runtime.backends.numpy.bind import bind, target_key

w = argument("w")


def traced(*model, mode="train", **options):
    return lower(experiment(*model, **options).graph, mode)


def test_steps_have_the_names_of_the_lecture():
    trace = traced(
        "input 1", "dense 3x5, 1 leaky_relu residual", "output 1", minimize="mean(squared_error) + l2(0.1)"
    )
    written = [t.name for step in trace.steps for t in step.outputs if t.name[0] != "%"]
    assert written == [
        *("v1", "z2", "v2", "a2", "z3", "v3", "a3", "z4", "v4", "z5"),
        *("z6", "ℓ", "Ω", "Σℓ", "L", "J"),
    ]
    assert {p.tensor.name for p in trace.parameters} == {f"{b}{j}" for b in "Wb" for j in range(1, 6)}
    assert (trace.loss.name, trace.objective.name, trace.penalty.name) == ("L", "J", "Ω")


@pytest.mark.parametrize(
    ("widths", "parameters"),
    [
        ("3x5, 1", 78),
        ("5x5, 1", 138),
        ("10x5, 1", 288),
        ("15x5, 1", 438),
        ("30x5, 1", 888),
        ("45x5, 1", 1338),
    ],
)
@pytest.mark.parametrize("residual", ["", "residual"])
def test_parameter_counts_of_the_lecture(widths, parameters, residual):
    assert traced("input 1", f"dense {widths} leaky_relu {residual}", "output 1").size == parameters


def test_theta_has_all_weights_then_all_biases_without_gaps():
    trace = traced("input 2", "dense 3, 4 tanh", "dense 5 bias=false", "output 2", inputs=2, targets=2)
    names = [p.name for p in trace.parameters]
    assert names == [
        *("dense1.W", "dense2.W", "dense3.W", "output.W"),
        *("dense1.b", "dense2.b", "output.b"),
    ]
    ends = [0, *(p.end for p in trace.parameters)]
    assert [p.offset for p in trace.parameters] == ends[:-1]
    assert trace.size == ends[-1] == 6 + 12 + 20 + 10 + 3 + 4 + 2
    first = trace.parameters[0]
    assert (first.tensor.shape, first.fan_in, first.fan_out, first.role) == ((3, 2), 2, 3, "weight")


@pytest.mark.parametrize("mode", ["train", "predict"])
def test_every_tensor_is_written_once_and_before_it_is_read(mode):
    trace = traced(
        *("input 2", "dense 3, 3 tanh residual", "dropout 10%", "dense 3 relu", "output 2"),
        inputs=2,
        targets=2,
        mode=mode,
        minimize="mean(squared_error + 0.5 * absolute_error) + l2(0.1) + l1(0.2, on=biases)",
    )
    known = {*trace.inputs.values(), *trace.targets.values(), trace.scale}
    known |= {p.tensor for p in trace.parameters} | {s.tensor for s in trace.segments}
    names = {t.name for t in known}
    for step in trace.steps:
        assert set(step.inputs) <= known
        assert not {t.name for t in step.outputs} & names
        known |= set(step.outputs)
        names |= {t.name for t in step.outputs}


def test_random_numbers_are_drawn_in_training_alone():
    model = ("input 2", "dropout 10%", "dense 3", "dropout 0%", "output 1")
    draws = {
        m: [s for s in traced(*model, inputs=2, mode=m).steps if isinstance(s, Random)]
        for m in ("train", "predict")
    }
    assert (len(draws["train"]), len(draws["predict"])) == (1, 0)


def test_each_node_of_random_numbers_has_its_own():
    trace = traced("input 2", "dropout 10%", "dense 3", "dropout 10%", "output 1", inputs=2)
    nodes = [s.node for s in trace.steps if isinstance(s, Random)]
    assert len(set(nodes)) == 2


def test_steps_know_the_node_that_they_come_from():
    trace = traced(
        "input 1", "dense 5, 5 tanh residual", "output 1", minimize="mean(squared_error) + l2(0.1)"
    )
    graph = experiment(
        "input 1", "dense 5, 5 tanh residual", "output 1", minimize="mean(squared_error) + l2(0.1)"
    ).graph
    assert all(step.origin in graph for step in trace.steps)


RESERVED = ["z1", "v1", "z2", "W1", "b1", "y", "L", "J", "scale", "g", "a1", "sum"]


@pytest.mark.parametrize("name", RESERVED)
def test_nodes_may_have_any_name(name):
    """A dropout called as something else in the plan is: its gradient is still right."""
    model = ("input 3", "dense 3 tanh", f"{name} = dropout 40%", "dense 3 tanh", "output 1")
    plan = train_plan(experiment(*model, inputs=3, minimize="mean(squared_error) + l2(0.1)").graph)
    reference = train_plan(
        experiment(
            *(line.replace(f"{name} = ", "") for line in model),
            inputs=3,
            minimize="mean(squared_error) + l2(0.1)",
        ).graph
    )
    theta = np.random.default_rng(0).normal(size=plan.trace.size)
    found = [gradient_of(p, theta) for p in (plan, reference)]
    np.testing.assert_array_equal(*found)


def gradient_of(plan, theta):
    random = np.random.default_rng(1)
    data = {"input": random.normal(size=(3, 4)), target_key("output"): random.normal(size=(1, 4))}
    mask = random.random((3, 4))
    gradient = np.zeros_like(theta)
    bound = bind(plan, {"θ": theta, "g": gradient}, 4, data, lambda node, out: np.copyto(out, mask))
    bound.run()
    return gradient


@pytest.mark.parametrize("name", RESERVED)
def test_joins_may_have_any_name(name):
    model = ("input 3", "p = dense 3 tanh", "q = dense 3 tanh", f"{name} = add from p, q", "output 1")
    try:
        plan = train_plan(experiment(*model, inputs=3).graph)
    except SpecError as error:
        assert {d.code for d in error.diagnostics} <= {"name-taken", "unknown-name"}  # noqa: PT017
        return
    theta = np.random.default_rng(0).normal(size=plan.trace.size)
    plain = train_plan(experiment(*model[:3], "add from p, q", "output 1", inputs=3).graph)
    np.testing.assert_array_equal(gradient_of(plan, theta), gradient_of(plain, theta))


def value(expression_model, x, seed=0, **options):
    """Outputs of a model at random θ, and θ's blocks."""
    plan = evaluate_plan(experiment(*expression_model, **options).graph)
    theta = np.random.default_rng(seed).normal(size=plan.trace.size)
    bound = bind(plan, {"θ": theta}, x.shape[1], {"input": x})
    bound.run()
    blocks = {p.name: theta[p.offset : p.end].reshape(p.tensor.shape) for p in plan.trace.parameters}
    (out,) = plan.trace.outputs.values()
    return bound[out].copy(), blocks


X = np.random.default_rng(5).normal(size=(3, 4))


def affine(blocks, name, z):
    return blocks[f"{name}.W"] @ z + blocks[f"{name}.b"][:, None]


def test_a_residual_layer_adds_its_input():
    found, p = value(("input 3", "dense 3 tanh residual", "output 1"), X, inputs=3)
    np.testing.assert_allclose(found, affine(p, "output", X + np.tanh(affine(p, "dense1", X))), rtol=1e-13)


def test_concat_puts_one_under_the_other():
    model = ("input 3", "p = dense 2 tanh", "q = dense 3 tanh", "concat from q, p", "output 1")
    found, b = value(model, X, inputs=3)
    p = np.tanh(affine(b, "p", X))
    q = np.tanh(affine(b, "q", p))
    np.testing.assert_allclose(found, affine(b, "output", np.concatenate([q, p])), rtol=1e-13)


def test_padding_fills_with_zeros():
    found, p = value(("input 3", "dense 5 tanh residual=pad", "output 1"), X, inputs=3)
    z = np.concatenate([X, np.zeros((2, 4))]) + np.tanh(affine(p, "dense1", X))
    np.testing.assert_allclose(found, affine(p, "output", z), rtol=1e-13)


def test_a_factor_stands_before_the_activation():
    found, p = value(("input 3", "dense 5 0.5 * tanh", "output 1"), X, inputs=3)
    np.testing.assert_allclose(found, affine(p, "output", 0.5 * np.tanh(affine(p, "dense1", X))), rtol=1e-13)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (0.1 * sum(w * w), True),
        (0.1 * sum(abs(w)) + 0.2 * sum(w * w), True),
        (sqrt(sum(w * w)), False),
        (sum(w) * sum(w), False),
        (amax(abs(w)), False),
        (sum(w * w) + 1, False),
        (sum(w) / 3 - sum(w * w), True),
        (sum(w - sum(w)), False),
    ],
)
def test_what_may_be_put_together(expression, expected):
    """f is separable where f(a ∪ b) = f(a) + f(b)."""
    assert separable(expression) is expected


def test_neighbouring_blocks_become_one():
    blocks = [("W1", 0, 6), ("W2", 6, 9), ("b1", 12, 14), ("b2", 14, 15)]
    assert [(begin, end) for _, begin, end in merged(blocks)] == [(0, 9), (12, 15)]


def test_penalties_of_places_by_hand():
    minimize = "mean(squared_error) + 2 * l2(0.1) + l1(0.3, on=p) + l2(0.7, on=[biases, q])"
    model = ("input 3", "p = dense 2 tanh", "q = dense 2 tanh", "output 1")
    plan = evaluate_plan(experiment(*model, inputs=3, minimize=minimize).graph)
    theta = np.random.default_rng(0).normal(size=plan.trace.size)
    bound = bind(plan, {"θ": theta}, 4, {"input": X})
    bound.run()
    b = {p.name: theta[p.offset : p.end] for p in plan.trace.parameters}
    square = {name: (block**2).sum() for name, block in b.items()}
    expected = 0.1 * (square["p.W"] + square["q.W"] + square["output.W"])
    expected += 0.3 * np.abs(np.concatenate([b["p.W"], b["p.b"]])).sum()
    expected += 0.35 * (square["p.b"] + square["q.b"] + square["output.b"] + square["q.W"])
    assert bound[plan.trace.penalty] == pytest.approx(expected, rel=1e-13)


def test_a_penalty_without_parameters_is_refused_or_0():
    model = ("input 3", "dense 3 tanh bias=false", "output 1 bias=false")
    try:
        trace = traced(*model, inputs=3, minimize="mean(squared_error) + l2(0.1, on=biases)")
    except SpecError:
        return
    assert run(prune(trace.steps, [trace.penalty]), {}, [trace.penalty]) == [0.0]


def test_layers_are_a_product_and_a_map():
    trace = traced("input 3", "dense 2 tanh", "output 1", inputs=3)
    kinds = [type(step) for step in trace.steps[:3]]
    assert kinds == [MatMul, Map, Map]
    values = random_values([*trace.steps[0].inputs], 4)
    weight, z = values.values()
    np.testing.assert_allclose(run(trace.steps[:1], values, trace.steps[0].outputs, batch=4)[0], weight @ z)
