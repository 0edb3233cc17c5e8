"""Curvature beside a dense Hessian, norms beside gradients, sharpness beside the loss itself."""

import numpy as np
import pytest

import deltaplan
from deltaplan.plugins.builtin.lab import curvature
from deltaplan.plugins.builtin.lab.flatness import sharpness

SPEC = """\
model net { input 2; dense 5 tanh; dense 4 tanh residual=project; output 1 }
data { csv "points.csv"; inputs a, b; targets y }
train { minimize mean(squared_error); optimizer adam(lr=0.01); epochs 20; seed 3; precision float64 }
"""


@pytest.fixture
def spec(tmp_path):
    random = np.random.default_rng(1)
    rows = "\n".join(",".join(map(str, row)) for row in random.normal(size=(30, 3)))
    (tmp_path / "points.csv").write_text(f"a,b,y\n{rows}\n")
    (tmp_path / "net.dl").write_text(SPEC)
    return tmp_path / "net.dl"


@pytest.fixture
def dense(spec):
    """The problem, θ, and its Hessian by central differences of the gradient."""
    problem = deltaplan.problem(spec)
    theta, h = problem.initial(3), 1e-6
    steps = h * np.eye(problem.size)
    hessian = (problem.grad(theta + steps) - problem.grad(theta - steps)) / (2 * h)
    return problem, theta, (hessian + hessian.T) / 2


def test_eigenvalues_are_those_of_the_dense_hessian(dense):
    problem, theta, hessian = dense
    expected = np.linalg.eigvalsh(hessian)[::-1]
    scale = expected[0]
    exact = curvature.whole(problem, theta, 5)
    np.testing.assert_allclose(exact.top, expected[:5], atol=1e-6 * scale)
    assert exact.lowest == pytest.approx(expected[-1], abs=1e-6 * scale)
    assert exact.trace == pytest.approx(np.trace(hessian), abs=1e-6 * scale)
    top, steepest = curvature.lanczos(problem, theta, 5, np.random.default_rng(0))
    np.testing.assert_allclose(top, exact.top, rtol=1e-8)
    assert abs(steepest @ exact.steepest) == pytest.approx(1)
    few, all_ = (curvature.lowest(problem, theta, n, np.random.default_rng(0)) for n in (6, problem.size))
    assert exact.lowest - 1e-12 <= all_ <= few
    assert all_ == pytest.approx(exact.lowest, abs=1e-9)


def test_the_trace_is_within_its_error(dense):
    problem, theta, hessian = dense
    found, error = curvature.hutchinson(problem, theta, 200, np.random.default_rng(0))
    assert 0 < error < 0.2 * np.trace(hessian)
    assert abs(found - np.trace(hessian)) < 4 * error


def test_sharpness_is_the_rise_of_the_loss(dense):
    """Climbing finds what no random direction does, and never more than the ball holds to second order."""
    problem, theta, _ = dense
    random = np.random.default_rng(2)
    found = sharpness(problem, theta, 1e-3, 40, random)
    ways = np.random.default_rng(2).normal(size=(40, problem.size))
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    rises = problem.loss(theta + 1e-3 * ways) - problem.loss(theta)
    assert found.mean[-1] == pytest.approx(rises.mean())
    assert found.most[-1] == pytest.approx(rises.max())
    steepest = np.linalg.norm(problem.grad(theta)) * 1e-3
    assert found.worst[-1] == pytest.approx(steepest, rel=0.02)
    assert (np.diff(found.worst) > 0).all()


def test_it_tells_flat_on_average_from_flat_for_each_sample(spec):
    run = deltaplan.train(spec)
    found = deltaplan.examine("flatness", run, eigenvalues=3, directions=10)
    problem = deltaplan.problem(spec)
    np.testing.assert_allclose(
        found.arrays["gradient_norms"], problem.per_sample_gradient_norms(run.theta), rtol=1e-12
    )
    assert found.arrays["eigenvalues"].shape == (3,)
    losses = found.arrays["losses_along"]
    np.testing.assert_allclose(losses[len(losses) // 2], problem.per_sample_loss(run.theta), rtol=1e-12)
    assert "‖∇ℓ‖ is" in str(found)
    assert len(found.findings.picture.panels) == 4
    assert found.figure()


def test_an_interpolating_net_is_flat_for_each_sample(tmp_path):
    """f = 0 and ∇f = 0 imply f_i = 0 and ∇f_i = 0."""
    (tmp_path / "line.csv").write_text("t,y\n" + "\n".join(f"{t},{2 * t + 1}" for t in range(6)))
    text = """model line { input 1; output 1 }
    data { csv "line.csv"; inputs t; targets y }
    train { minimize mean(squared_error); optimizer exact; precision float64 }"""
    (tmp_path / "line.dl").write_text(text)
    found = deltaplan.examine("flatness", deltaplan.train(tmp_path / "line.dl"))
    assert "flat for each sample" in str(found)


def test_without_scipy_it_is_told(spec, monkeypatch):
    import sys

    monkeypatch.setattr(curvature, "WHOLE", 0)
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    with pytest.raises(deltaplan.DeltaplanError, match=r"deltaplan\[lab\]"):
        deltaplan.examine("flatness", spec)
