"""The three plans of a graph: what they compute, and that fusion changes no buffer."""

import numpy as np
import pytest
from programs import experiment

from deltaplan.compiler.lower import lower
from deltaplan.compiler.plan import compile_plans, evaluate_plan, gradient_plan, predict_plan, train_plan
from deltaplan.compiler.steps import PRIMITIVES, Random
from deltaplan.runtime.backends.numpy.bind import bind, target_key

MODELS = {
    "plain": (("input 3", "dense 4, 4 tanh", "output 2"), "squared_error"),
    "residual": (("input 3", "dense 3x3 leaky_relu residual", "output 2"), "huber(0.5)"),
    "elu": (("input 3", "dense 4, 4 elu(0.5) residual", "output 2"), "squared_error"),
    "classes": (("input 3", "dense 4 relu", "output 3"), "cross_entropy"),
    "linear": (("input 3", "output 2"), "logistic"),
    "dropout": (("input 3", "dense 4 sigmoid", "dropout 30%", "output 2"), "hinge"),
    "joins": (
        ("input 3", "p = dense 4 tanh", "q = dense 4 relu", "add from p, q", "output 2"),
        "squared_error",
    ),
    "concat": (
        ("input 3", "p = dense 4", "q = dense 2 tanh", "concat from p, q", "output 2"),
        "squared_error",
    ),
    "project": (("input 3", "dense 5, 2 0.5 * tanh residual=project", "output 2"), "absolute_error"),
}
PENALTY = " + l2(0.1) + l1(0.05, on=parameters)"
BATCH = 6


def stated(name, penalty=PENALTY):
    model, loss = MODELS[name]
    targets = 1 if loss == "cross_entropy" else 2
    return experiment(*model, inputs=3, targets=targets, minimize=f"mean({loss}){penalty}")


def samples(name):
    random = np.random.default_rng(3)
    loss = MODELS[name][1]
    kind = {"cross_entropy": random.integers(0, 3, BATCH), "hinge": random.choice([-1.0, 1.0], (2, BATCH))}
    kind["logistic"] = random.choice([0.0, 1.0], (2, BATCH))
    y = kind.get(loss, random.normal(size=(2, BATCH)))
    return {"input": random.normal(size=(3, BATCH)), target_key("output"): y}


def bound(plan, name, reuse=True, poisoned=False):
    """The plan after a run at random θ, with its gradient."""
    random = np.random.default_rng(0)
    theta = random.normal(size=plan.trace.size)
    gradient = np.full_like(theta, np.nan)
    mask = random.random((4, BATCH))
    made = bind(
        *(plan, {"θ": theta, "g": gradient}, BATCH, samples(name)),
        draw=lambda node, out: np.copyto(out, mask),
        reuse=reuse,
    )
    made.scale[...] = 1 / BATCH
    if poisoned:
        made.program.memory.fill(0xFF)
    made.run()
    return made, gradient


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max(initial=1e-3))


@pytest.mark.parametrize("name", MODELS)
def test_fused_and_unfused_agree_buffer_by_buffer(name):
    graph = stated(name).graph
    (fused, found), (plain, expected) = (
        bound(train_plan(graph, fused=f), name, reuse=False) for f in (True, False)
    )
    written = {t for step in plain.plan.steps for t in step.outputs}
    shared = [t for step in fused.plan.steps for t in step.outputs]
    assert set(shared) <= written
    for tensor in shared:
        close(fused[tensor], plain[tensor])
    close(found, expected)
    assert len(fused.plan.steps) < len(plain.plan.steps)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("fused", [True, False])
def test_a_poisoned_arena_changes_no_bit(name, fused):
    plan = train_plan(stated(name).graph, fused)
    (clean, expected), (poisoned, found) = bound(plan, name), bound(plan, name, poisoned=True)
    np.testing.assert_array_equal(found, expected)
    for tensor in plan.kept:
        np.testing.assert_array_equal(poisoned[tensor], clean[tensor])


@pytest.mark.parametrize("name", MODELS)
def test_a_second_run_gives_the_same_bits(name):
    made, gradient = bound(train_plan(stated(name).graph), name)
    before = gradient.copy()
    made.run()
    np.testing.assert_array_equal(gradient, before)


@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_of_the_objective_is_that_of_loss_and_penalty(name):
    whole = bound(train_plan(stated(name).graph), name)[1]
    alone = bound(train_plan(stated(name, "").graph), name)[1]
    of_loss = bound(gradient_plan(lower(stated(name).graph, "train"), of_loss=True), name)[1]
    np.testing.assert_allclose(of_loss, alone, rtol=1e-13, atol=1e-15)
    theta = np.random.default_rng(0).normal(size=whole.size)
    trace = train_plan(stated(name).graph).trace
    weights = np.concatenate([np.full(p.size, p.role == "weight") for p in trace.parameters])
    np.testing.assert_allclose(
        whole, of_loss + 0.1 * theta * weights + 0.05 * np.sign(theta), rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("name", MODELS)
def test_plans_are_of_primitives(name):
    plans = compile_plans(stated(name))
    for plan in (plans.train, plans.evaluate, plans.predict):
        assert {type(step) for step in plan.steps} <= set(PRIMITIVES)
        assert not (plan.name != "train" and plan.backward)
    assert plans.train.random == (name == "dropout")
    assert not any(isinstance(s, Random) for s in plans.evaluate.steps + plans.predict.steps)


@pytest.mark.parametrize("name", MODELS)
def test_forward_ends_with_the_objective(name):
    plan = train_plan(stated(name).graph)
    assert plan.trace.objective in plan.forward[-1].outputs
    assert not any(plan.trace.objective in step.outputs for step in plan.backward)


def outputs(name, make):
    plan = make(stated(name).graph)
    made, _ = bound(plan, name)
    return made[plan.kept[0]].copy()


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("plain", lambda u: u),
        ("linear", lambda u: 1 / (1 + np.exp(-u))),
        ("dropout", lambda u: u),
        ("classes", lambda u: np.exp(u) / np.exp(u).sum(0)),
    ],
)
def test_predictions_have_the_link_of_the_loss(name, link):
    u, found = outputs(name, evaluate_plan), outputs(name, predict_plan)
    np.testing.assert_allclose(found, link(u), rtol=1e-12)


@pytest.mark.parametrize("fused", [True, False])
def test_a_softmax_of_large_numbers_does_not_overflow(fused):
    plan = predict_plan(
        experiment("input 3", "output 3", inputs=3, minimize="mean(cross_entropy)").graph, fused
    )
    theta = np.concatenate([np.eye(3).ravel(), np.zeros(3)])
    x = np.array([[1e4, -1e4, 0.0], [1e4, 0.0, 1.0], [0.0, 1e4, 0.0]])
    made = bind(plan, {"θ": theta}, 3, {"input": x})
    made.run()
    e = np.exp(1)
    expected = np.array([[0.5, 0, 1 / (2 + e)], [0.5, 0, e / (2 + e)], [0, 1, 1 / (2 + e)]])
    np.testing.assert_allclose(made[plan.kept[0]], expected, rtol=1e-14)


X = np.random.default_rng(5).normal(size=(3, 4))


@pytest.mark.parametrize("fused", [True, False])
def test_two_outputs_have_their_own_links(fused):
    """Two softmax of other sizes share no tensor."""
    model = ("input 3", "body = dense 4 tanh", "p = output 2 from body", "q = output 5 from body")
    text = "mean(cross_entropy(on=p) + cross_entropy(on=q))"
    graph = experiment(*model, inputs=3, targets="p=a q=b", minimize=text).graph
    plan = predict_plan(graph, fused)
    made = bind(plan, {"θ": np.random.default_rng(0).normal(size=plan.trace.size)}, 4, {"input": X})
    made.run()
    assert [made[t].shape for t in plan.kept] == [(2, 4), (5, 4)]
    for tensor in plan.kept:
        np.testing.assert_allclose(made[tensor].sum(0), 1, rtol=1e-14)


@pytest.mark.parametrize("samples_", [1, 2, 40])
def test_a_plan_knows_no_batch_size(samples_):
    plan = evaluate_plan(stated("residual").graph)
    random = np.random.default_rng(0)
    theta, x = random.normal(size=plan.trace.size), random.normal(size=(3, 40))
    whole = bind(plan, {"θ": theta}, 40, {"input": x})
    part = bind(plan, {"θ": theta}, samples_, {"input": x[:, :samples_]})
    whole.run()
    part.run()
    np.testing.assert_allclose(part[plan.kept[0]], whole[plan.kept[0]][:, :samples_], rtol=1e-12)


def test_only_what_is_trained_has_an_update():
    assert compile_plans(stated("plain")).update is not None
