"""The compiled problem as functions of θ: values that add up, and gradients of random models."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from programs import experiment
from trainings import problem as small_problem

import deltaplan
from deltaplan.runtime.problem import Problem

ACTIVATIONS = [
    "identity",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu(0.1)",
    "elu(0.5)",
    "0.5 * tanh",
    "2 * sigmoid",
]
LOSSES = ["squared_error", "absolute_error", "huber(0.7)", "hinge", "logistic", "cross_entropy"]
SUMS = ["{}", "0.3 * {}", "{0} + 0.5 * {0}"]
PENALTIES = ["", " + l2(0.1)", " + l1(0.02, on=parameters)", " + elastic(0.01, 0.1, on=biases) + l2(0.3)"]


@st.composite
def models(draw):
    """A random model with its problem: the experiment, samples and θ."""
    lines = [
        f"dense {', '.join(map(str, widths))}  {draw(st.sampled_from(ACTIVATIONS))}  {word}"
        for widths in draw(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), max_size=3))
        for word in [draw(st.sampled_from(["", "residual=pad", "residual=project", "bias=false"]))]
    ]
    inputs, outputs = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    loss, over = draw(st.sampled_from(LOSSES)), draw(st.sampled_from(["mean", "sum"]))
    terms = draw(st.sampled_from(SUMS)).format(loss)
    minimize = f"{over}({terms}){draw(st.sampled_from(PENALTIES))}"
    lines = [f"input {inputs}", *lines, f"output {outputs}"]
    targets = 1 if loss == "cross_entropy" else outputs
    given_ = draw_samples(loss, inputs, outputs, draw(st.integers(1, 40)), draw(st.integers(0, 99)))
    return lines, {"inputs": inputs, "targets": targets, "minimize": minimize}, given_


def draw_samples(loss, inputs, outputs, samples, seed):
    random = np.random.default_rng(seed)
    y = {
        "hinge": lambda: random.choice([-1.0, 1.0], size=(outputs, samples)),
        "logistic": lambda: random.choice([0.0, 1.0], size=(outputs, samples)),
        "cross_entropy": lambda: random.integers(0, outputs, samples),
    }.get(loss, lambda: random.normal(size=(outputs, samples)))()
    return random.normal(size=(inputs, samples)), y, random


def problem_of(lines, options, x, y):
    spec = experiment(*lines, **options)
    return Problem(spec, {"input": x}, {"output": y})


@given(models())
def test_gradients_of_random_models(model):
    lines, options, (x, y, random) = model
    try:
        problem = problem_of(lines, options, x, y)
    except deltaplan.SpecError as error:
        assume({d.code for d in error.diagnostics} - {"pad-too-wide", "residual-fits-nowhere"})
        raise
    theta = random.normal(size=problem.size)
    places = random.permutation(problem.size)[:12]
    compare(problem.objective, problem.objective_grad(theta), theta, places)
    compare(problem.loss, problem.grad(theta), theta, places[:4])


def compare(function, derived, theta, places):
    """Some numbers of a gradient against differences, those beside a kink left out."""
    differences = {place: difference(function, theta, place) for place in places}
    smooth = [place for place in places if differences[place] is not None]
    found = np.array([differences[place] for place in smooth])
    floor = 1e-9 * max(1.0, abs(function(theta)))
    tolerance = 1e-6 * np.abs(found).max(initial=0.0) + floor
    np.testing.assert_allclose(derived[smooth], found, rtol=0, atol=tolerance)


def difference(function, theta, place, spacing=1e-4):
    """Five-point rule; None where the slopes on both sides tell of a kink near by."""
    values = []
    for k in (-2, -1, 0, 1, 2):
        moved = theta.copy()
        moved[place] += k * spacing
        values.append(function(moved))
    slopes = np.diff(values) / spacing
    bends = np.diff(slopes)  # of a smooth function: nearly equal, and small
    if np.abs(bends - bends.mean()).max() > 1e-5 * max(1.0, np.abs(slopes).max()):
        return None
    return (values[0] - 8 * values[1] + 8 * values[3] - values[4]) / (12 * spacing)


NET = ("input 2", "dense 4, 4 tanh residual", "output 2")


@pytest.fixture(params=["mean", "sum"])
def problem(request):
    random = np.random.default_rng(0)
    minimize = f"{request.param}(squared_error) + l2(0.1)"
    x, y = random.normal(size=(2, 5)), random.normal(size=(2, 5))
    return problem_of(NET, {"inputs": 2, "targets": 2, "minimize": minimize}, x, y)


def test_objective_is_loss_and_regularizer(problem):
    theta = np.random.default_rng(1).normal(size=problem.size)
    weights = np.concatenate([theta[p.offset : p.end] for p in problem.parameters if p.role == "weight"])
    assert problem.objective(theta) == pytest.approx(problem.loss(theta) + 0.05 * (weights**2).sum())


def test_loss_is_the_mean_or_sum_of_those_of_the_samples(problem):
    theta = np.random.default_rng(1).normal(size=problem.size)
    each = problem.per_sample_loss(theta)
    whole = each.mean() if problem.experiment.train.average == "mean" else each.sum()
    assert each.shape == (5,)
    assert problem.loss(theta) == pytest.approx(whole)


def test_a_stack_gives_a_row_for_each(problem):
    thetas = np.random.default_rng(1).normal(size=(3, problem.size))
    assert problem.objective(thetas).shape == problem.loss(thetas).shape == (3,)
    assert problem.per_sample_loss(thetas).shape == (3, 5)
    np.testing.assert_array_equal(
        problem.objective_grad(thetas), [problem.objective_grad(theta) for theta in thetas]
    )


def test_results_are_copies_and_arguments_stay(problem):
    theta = np.ones(problem.size)
    first = problem.objective_grad(theta)
    kept = first.copy()
    problem.objective_grad(2 * theta)
    np.testing.assert_array_equal(first, kept)
    assert (theta == 1).all()


def test_parameters_are_views_of_theta(problem):
    theta = np.arange(float(problem.size))
    blocks = problem.split(theta)
    assert list(blocks) == [
        *("dense1.W", "dense2.W", "output.W"),
        *("dense1.b", "dense2.b", "output.b"),
    ]
    assert blocks["dense1.W"].shape == (4, 2)
    assert np.concatenate([b.ravel() for b in blocks.values()]).tolist() == theta.tolist()
    blocks["output.b"][:] = -1
    assert theta[-2:].tolist() == [-1, -1]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 1, 42), ()])
def test_another_length_of_theta_is_refused(problem, shape):
    with pytest.raises(ValueError, match=f"θ has {problem.size} numbers"):
        problem.loss(np.zeros(shape))


def test_data_of_other_names_or_shapes_are_refused():
    spec = experiment(*NET, inputs=2, targets=2)
    x, y = np.zeros((2, 5)), np.zeros((2, 5))
    with pytest.raises(ValueError, match="inputs are given for"):
        Problem(spec, {"photo": x}, {"output": y})
    with pytest.raises(ValueError, match="targets are given for"):
        Problem(spec, {"input": x}, {})
    with pytest.raises(ValueError, match="has the shape"):
        Problem(spec, {"input": x.T}, {"output": y})
    with pytest.raises(ValueError, match="has the shape"):
        Problem(spec, {"input": x}, {"output": y[:, :4]})


def test_dropout_is_off():
    lines = ("input 2", "dense 4 tanh", "dropout 50%", "output 1")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 5)), random.normal(size=(1, 5))
    with_dropout = problem_of(lines, {"inputs": 2}, x, y)
    without = problem_of((*lines[:2], lines[3]), {"inputs": 2}, x, y)
    theta = random.normal(size=without.size)
    assert with_dropout.objective(theta) == without.objective(theta)
    np.testing.assert_array_equal(with_dropout.objective_grad(theta), without.objective_grad(theta))


def test_a_residual_net_by_hand():
    """z + σ(Wz + b) twice, then the output."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(4, 5)), random.normal(size=(1, 5))
    problem = problem_of(("input 4", "dense 4, 4 tanh residual", "output 1"), {"inputs": 4}, x, y)
    theta = random.normal(size=problem.size)
    p = problem.split(theta)
    z = x + np.tanh(p["dense1.W"] @ x + p["dense1.b"][:, None])
    z = z + np.tanh(p["dense2.W"] @ z + p["dense2.b"][:, None])
    u = p["output.W"] @ z + p["output.b"][:, None]
    np.testing.assert_allclose(problem.per_sample_loss(theta), 0.5 * ((u - y) ** 2).sum(0), rtol=1e-13)


def test_several_inputs_and_outputs():
    """A class and a number from two inputs, with a shared trunk."""
    lines = (
        *("photo = input 3", "facts = input 2", "seen = dense 4 tanh from photo"),
        *("known = dense 4 elu from facts", "trunk = concat from seen, known", "dense 5 tanh"),
        *("price = output 1", "style = output 3 from trunk"),
    )
    stated = experiment(
        *lines,
        inputs="photo=[a, b, c] facts=[d, e]",
        targets="price=p style=s",
        minimize="mean(0.3 * squared_error(on=price) + cross_entropy(on=style)) + l2(0.1, on=style)",
    )
    random = np.random.default_rng(0)
    x = {"photo": random.normal(size=(3, 6)), "facts": random.normal(size=(2, 6))}
    y = {"price": random.normal(size=(1, 6)), "style": random.integers(0, 3, 6)}
    problem = Problem(stated, x, y)
    theta = random.normal(size=problem.size)
    compare(problem.objective, problem.objective_grad(theta), theta, range(problem.size))
    p = problem.split(theta)
    z = {
        "seen": np.tanh(p["seen.W"] @ x["photo"] + p["seen.b"][:, None]),
        "known": p["known.W"] @ x["facts"] + p["known.b"][:, None],
    }
    trunk = np.concatenate([z["seen"], np.where(z["known"] > 0, z["known"], np.expm1(z["known"]))])
    hidden = np.tanh(p["dense1.W"] @ trunk + p["dense1.b"][:, None])
    price = p["price.W"] @ hidden + p["price.b"][:, None]
    style = p["style.W"] @ trunk + p["style.b"][:, None]
    losses = 0.15 * ((price - y["price"]) ** 2).sum(0)
    losses += np.log(np.exp(style).sum(0)) - style[y["style"], range(6)]
    np.testing.assert_allclose(problem.per_sample_loss(theta), losses, rtol=1e-12)
    penalty = 0.05 * ((p["style.W"] ** 2).sum() + (p["style.b"] ** 2).sum())
    assert problem.objective(theta) == pytest.approx(losses.mean() + penalty, rel=1e-12)


def test_the_pairs_belong_together():
    """Central differences of a function are its own gradient's, with a regularizer that tells them apart."""
    p = small_problem("input 1", "dense 3 tanh", "output 1", minimize="mean(squared_error) + l2(0.5)")
    theta, v = p.initial(3), np.random.default_rng(1).normal(size=p.size)
    for function, gradient in ((p.loss, p.grad), (p.objective, p.objective_grad)):
        difference = (function(theta + 1e-6 * v) - function(theta - 1e-6 * v)) / 2e-6
        assert abs(difference - gradient(theta) @ v) < 1e-7
    for gradient, product in ((p.grad, p.hvp), (p.objective_grad, p.objective_hvp)):
        difference = (gradient(theta + 1e-6 * v) - gradient(theta - 1e-6 * v)) / 2e-6
        np.testing.assert_allclose(product(theta, v), difference, atol=1e-7)
    assert abs(p.objective_grad(theta) - p.grad(theta)).max() > 1e-3


@pytest.mark.parametrize("wrong", [-1, 3])
def test_classes_out_of_range_are_refused(wrong):
    spec = experiment("input 1", "output 3", targets="k", minimize="mean(cross_entropy)")
    with pytest.raises(ValueError, match="from 0 to 2"):
        Problem(spec, {"input": np.zeros((1, 2))}, {"output": np.array([0, wrong])})
