"""Jacobians and Hessians of the compiled problem, against differences and against other formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import experiment

import deltaplan

NET = ("input 2", "dense 4, 4 tanh residual", "output 3")
SMOOTH = ["squared_error", "logistic", "cross_entropy"]


def samples(loss="squared_error", count=5, inputs=2, outputs=3, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, inputs))
    if loss == "cross_entropy":
        return x, np.arange(count) % outputs
    y = random.normal(size=(count, outputs))
    return x, (y > 0) * 1.0 if loss == "logistic" else y


def problem(*model, loss="squared_error", over="mean", penalty=" + l2(0.1)", **options):
    targets = 1 if loss == "cross_entropy" else 3
    spec = experiment(*(model or NET), inputs=2, targets=targets, minimize=f"{over}({loss}){penalty}")
    return deltaplan.problem(spec, *samples(loss, **options))


def difference(function, theta, direction, h=1e-3):
    """Central differences of the sixth order along a direction."""
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    return sum(
        w * (function(theta + k * h * direction) - function(theta - k * h * direction)) / h
        for k, w in weights.items()
    )


def close(found, expected, tolerance=1e-8):
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(1.0, np.abs(expected).max()))


def test_jacobian_against_differences():
    p = problem()
    random = np.random.default_rng(1)
    theta, rows = random.normal(size=p.size), random.normal(size=(4, 2))
    found = p.jacobian(theta, rows)
    assert found.shape == (4, 3, p.size)
    for place in range(p.size):
        unit = np.eye(p.size)[place]
        close(found[:, :, place], difference(lambda t: p.outputs(t, rows), theta, unit))


def test_jacobian_and_residuals_give_the_gradient_of_squared_error():
    p = problem(penalty="")
    theta = np.random.default_rng(1).normal(size=p.size)
    residuals = p.outputs(theta) - samples()[1]
    close(np.einsum("nk,nki->i", residuals, p.jacobian(theta)) / p.samples, p.objective_grad(theta), 1e-12)


def test_outputs_are_those_of_a_run_before_the_link():
    spec = experiment(*NET, inputs=2, targets=1, minimize="mean(cross_entropy)", optimizer="sgd(lr=0.1)")
    x, y = samples("cross_entropy", 12)
    run = deltaplan.train(spec, x, y)
    p = deltaplan.problem(spec, x, y)
    u = p.outputs(run.theta.astype(float), x[:5])
    softmax = np.exp(u) / np.exp(u).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax, run.predict(x[:5]), rtol=1e-5)


def test_rows_are_in_the_units_of_the_data():
    spec = deltaplan.loads(
        'model m { input 1; output 1 }\ndata { csv "a.csv"; inputs t; targets y; standardize inputs }\n'
        "train { minimize mean(squared_error); optimizer sgd(lr=1); epochs 1; batch full }"
    )
    t = np.array([[10.0], [20.0], [40.0]])
    p = deltaplan.problem(spec, t, [1, 2, 3])
    scaled = (t - t.mean()) / t.std()
    assert p.outputs(np.array([2.0, 1.0]), t) == pytest.approx(2 * scaled + 1)
    assert p.jacobian(np.array([2.0, 1.0]), t)[:, 0, 0] == pytest.approx(scaled[:, 0])
    np.testing.assert_allclose(p.jacobian(np.zeros(2)), p.jacobian(np.zeros(2), t))


@pytest.mark.parametrize("over", ["mean", "sum"])
@pytest.mark.parametrize("loss", SMOOTH)
def test_hessian_times_vector_against_differences(loss, over):
    p = problem(loss=loss, over=over, penalty=" + l2(0.1) + l2(0.3, on=parameters)")
    random = np.random.default_rng(2)
    for _ in range(3):
        theta, v = random.normal(size=p.size), random.normal(size=p.size)
        close(p.objective_hvp(theta, v), difference(p.objective_grad, theta, v))


@given(
    widths=st.lists(st.integers(1, 3), max_size=3),
    word=st.sampled_from(["tanh", "sigmoid", "2 * tanh", "elu(0.5)", "identity", "relu", "leaky_relu(0.1)"]),
    skip=st.sampled_from(["", "residual=project", "residual=pad", "bias=false"]),
    loss=st.sampled_from([*SMOOTH, "huber(0.7)", "absolute_error"]),
    seed=st.integers(0, 99),
)
def test_the_hessian_is_symmetric_and_linear(widths, word, skip, loss, seed):
    """Also where parts of it vanish: piecewise linear nets and losses."""
    layers = [f"dense {', '.join(map(str, widths))}  {word}  {skip}"] if widths else []
    try:
        p = problem("input 2", *layers, "output 3", loss=loss, seed=seed)
    except deltaplan.SpecError as error:
        assert {d.code for d in error.diagnostics} <= {"pad-too-wide", "residual-fits-nowhere"}  # noqa: PT017
        return
    random = np.random.default_rng(seed)
    theta, (v, w) = random.normal(size=p.size), random.normal(size=(2, p.size))
    hv, hw = p.objective_hvp(theta, np.array([v, w]))
    scale = np.abs(hv).max() * np.abs(w).sum() + 1e-12
    assert abs(w @ hv - v @ hw) <= 1e-12 * scale
    close(p.objective_hvp(theta, v + 2 * w), hv + 2 * hw, 1e-12)


def test_the_hessian_of_a_quadratic_is_known():
    """Linear regression with l2: XᵀX/N + λ for the weights, the same for every output."""
    p = problem("input 2", "output 3", penalty=" + l2(0.5)")
    x = samples()[0]
    hessian = p.objective_hvp(np.ones(p.size), np.eye(p.size))
    block = x.T @ x / len(x) + 0.5 * np.eye(2)
    expected = np.kron(np.eye(3), block)
    close(hessian[:6, :6], expected, 1e-14)
    close(hessian[6:, 6:], np.eye(3), 1e-14)
    close(hessian[:6, 6:], np.kron(np.eye(3), x.mean(axis=0)[:, None]), 1e-14)


def test_stacks():
    p = problem()
    thetas, v = np.random.default_rng(3).normal(size=(2, p.size)), np.ones(p.size)
    assert p.outputs(thetas).shape == (2, 5, 3)
    assert p.jacobian(thetas).shape == (2, 5, 3, p.size)
    np.testing.assert_array_equal(p.jacobian(thetas)[1], p.jacobian(thetas[1]))
    np.testing.assert_array_equal(p.objective_hvp(thetas, v), [p.objective_hvp(theta, v) for theta in thetas])
    np.testing.assert_array_equal(p.objective_hvp(thetas, thetas)[1], p.objective_hvp(thetas[1], thetas[1]))


def test_several_outputs_by_name():
    spec = deltaplan.loads(
        "model m { input 2; h = dense 3 tanh; a = output 2 from h; b = output 1 from h }\n"
        "train { minimize mean(squared_error(on=a) + squared_error(on=b))\n"
        "optimizer sgd(lr=1); epochs 1; batch full }"
    )
    x, y = samples(outputs=3)
    p = deltaplan.problem(spec, x, {"a": y[:, :2], "b": y[:, 2]})
    theta = np.random.default_rng(4).normal(size=p.size)
    both = [p.jacobian(theta, output=name) for name in "ab"]
    assert [jacobian.shape for jacobian in both] == [(5, 2, p.size), (5, 1, p.size)]
    residuals = [p.outputs(theta, output=n) - t for n, t in (("a", y[:, :2]), ("b", y[:, 2:]))]
    gradient = sum(np.einsum("nk,nki->i", r, j) for r, j in zip(residuals, both, strict=True)) / 5
    close(p.objective_grad(theta), gradient, 1e-12)
    with pytest.raises(ValueError, match="output is one of `a`, `b`"):
        p.jacobian(theta)
    with pytest.raises(ValueError, match="not `c`"):
        p.outputs(theta, output="c")


def test_wrong_lengths():
    p = problem()
    with pytest.raises(ValueError, match=f"v has {p.size} numbers"):
        p.objective_hvp(np.zeros(p.size), np.zeros(3))
    with pytest.raises(deltaplan.SpecError, match="asks for 2"):
        p.jacobian(np.zeros(p.size), np.zeros((4, 3)))


def test_an_own_solver_needs_plain_functions_alone():
    """Gradient descent, then Newton's method with conjugate gradients: what one would hand to scipy as
    `minimize(p.objective, θ, jac=p.objective_grad, hessp=p.objective_hvp)`."""
    p = problem(loss="logistic")
    theta = np.zeros(p.size)
    for _ in range(200):
        theta = theta - 0.5 * p.objective_grad(theta)
    for _ in range(20):
        theta = theta - conjugate_gradients(
            lambda v, at=theta: p.objective_hvp(at, v), p.objective_grad(theta)
        )
    assert np.abs(p.objective_grad(theta)).max() < 1e-10
    assert p.objective(theta) < p.objective(np.zeros(p.size))


def conjugate_gradients(product, b, steps=60):
    """x with Hx = b; it stops where H is not positive along the way."""
    x, r = np.zeros_like(b), b.copy()
    d = r.copy()
    for _ in range(steps):
        hd = product(d)
        if d @ hd <= 0 or r @ r < 1e-24:
            break
        step = (r @ r) / (d @ hd)
        x, after = x + step * d, r - step * hd
        d, r = after + (after @ after) / (r @ r) * d, after
    return x
