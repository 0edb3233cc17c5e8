"""A trace against the same network written down in plain numpy, and against the problem's gradients."""

import numpy as np
import pytest
from programs import experiment

import deltaplan
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.problem import Problem
from deltaplan.runtime.trace import trace

NET = ("input 2", "dense 3, 3 tanh residual", "output 2")
MINIMIZE = "mean(squared_error) + l2(0.1) + l2(0.4, on=parameters)"


def samples(count=6, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 2)), random.normal(size=(count, 2))


@pytest.fixture
def traced():
    spec = experiment(*NET, inputs=2, targets=2, minimize=MINIMIZE)
    x, y = samples()
    theta = np.random.default_rng(1).normal(size=sum(block for block in (6, 9, 6, 3, 3, 2)))
    problem = Problem(spec, {"input": x[3:4].T}, {"output": y[3:4].T})
    return trace(spec, theta, dataset_from_memory(spec, x, y), 4), problem, theta, x[3], y[3]


def named(lines):
    return {line.formula: line.values for line in lines}


def test_forward_by_hand(traced):
    found, problem, theta, x, y = traced
    p, lines = problem.split(theta), named(found.forward)
    v1 = p["dense1.W"] @ x + p["dense1.b"]
    v2 = p["dense2.W"] @ np.tanh(v1) + p["dense2.b"]
    u = p["output.W"] @ (np.tanh(v1) + np.tanh(v2)) + p["output.b"]
    assert [line.values.tolist() for line in found.leaves] == [x.tolist(), y.tolist()]
    for formula, value in {
        "v1 = W1 z1 + b1": v1,
        "z2 = tanh(v1)": np.tanh(v1),
        "z3 = z2 + tanh(v2)": np.tanh(v1) + np.tanh(v2),
        "z4 = W3 z3 + b3": u,
        "ℓ = sum((z4 - y)^2)/2": ((u - y) ** 2).sum() / 2,
    }.items():
        np.testing.assert_allclose(lines[formula], value, rtol=1e-13, err_msg=formula)


def test_backward_by_hand_before_the_regularizers(traced):
    found, problem, theta, x, y = traced
    p, values = problem.split(theta), {line.tensor: line.values for line in found.backward}
    forward = {line.tensor: line.values for line in found.forward}
    delta = forward["z4"] - y
    delta3 = p["output.W"].T @ delta
    dv2 = delta3 * (1 - np.tanh(forward["v2"]) ** 2)
    dv1 = (p["dense2.W"].T @ dv2 + delta3) * (1 - np.tanh(forward["v1"]) ** 2)
    expected = {"δ4": delta, "δ3": delta3, "dv2": dv2, "dv1": dv1, "∂b2": dv2}
    expected |= {"∂W3": np.outer(delta, forward["z3"]), "∂W1": np.outer(dv1, x)}
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-12, err_msg=name)


def test_the_lines_of_regularizers_lead_from_the_loss_to_the_objective(traced):
    found, problem, theta, *_ = traced
    updates = [line for line in found.backward if "←" in line.formula]
    loss, weights = problem.grad(theta), 21
    after_first = loss[:weights] + 0.1 * theta[:weights]
    assert [line.values.size for line in updates] == [weights, problem.size]
    np.testing.assert_allclose(updates[0].values, after_first, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(updates[1].values, problem.objective_grad(theta), rtol=1e-12, atol=1e-14)


def test_a_sample_is_told_in_the_units_of_the_data():
    spec = deltaplan.loads(
        "model m { input 1; dense 2 tanh; output 3 }\n"
        'data { csv "a.csv"; inputs t; targets kind; split train=50% test=50% seed=3; standardize inputs }\n'
        "train { minimize mean(cross_entropy); optimizer sgd(lr=0.1); epochs 1; batch full }"
    )
    t = np.arange(12.0)
    dataset = dataset_from_memory(spec, t, ["a", "b", "c"] * 4)
    theta = np.random.default_rng(0).normal(size=13)
    for number in range(1, 13):
        found = trace(spec, theta, dataset, number)
        (given,), (target,), (predicted,) = found.inputs, found.targets, found.predictions
        assert given.values == pytest.approx(number - 1, abs=1e-12)
        assert target.values.tolist() == ["abc"[(number - 1) % 3]]
        assert found.part == ("train" if number - 1 in dataset.parts["train"].rows else "test")
        (probabilities,) = (line.values for line in found.predicted)
        assert probabilities.sum() == pytest.approx(1)
        assert predicted.values.tolist() == ["abc"[probabilities.argmax()]]
    assert trace(spec, theta, dataset).number - 1 == dataset.parts["train"].rows[0]
    with pytest.raises(deltaplan.SpecError, match="there is no sample 13: the data have 12"):
        trace(spec, theta, dataset, 13)


def test_dropout_is_left_out_and_told():
    spec = experiment("input 2", "dense 3 tanh", "dropout 50%", "output 2", inputs=2, targets=2)
    x, y = samples()
    found = trace(spec, np.ones(17), dataset_from_memory(spec, x, y), 1)
    assert found.random
    hidden = np.tanh(x[0].sum() + 1)
    np.testing.assert_allclose(named(found.forward)["z2 = tanh(v1)"], [hidden] * 3)
    np.testing.assert_allclose(found.predicted[0].values, [3 * hidden + 1] * 2)


def test_a_model_without_a_problem_has_a_forward_pass_alone():
    spec = deltaplan.loads('model m { input 1; output 1 }\ndata { csv "a.csv"; inputs t; targets y }')
    found = trace(spec, np.array([2.0, 1.0]), dataset_from_memory(spec, [3.0], [0.0]))
    assert [(line.formula, line.values.tolist()) for line in found.forward] == [("z2 = W1 z1 + b1", [7.0])]
    assert found.backward == ()
