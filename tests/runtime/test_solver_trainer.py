"""Runs of solvers: their minima against closed forms and gradients by hand, on both backends."""

import signal
from pathlib import Path

import numpy as np
import pytest
from effort import FULL
from trainings import dataset, parameters, part, problem, trained

import deltaplan
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.initial import initial

pytestmark = pytest.mark.light

NET = ("input 1", "dense 6 tanh", "output 1")
BACKENDS = ("numpy", "native")
ERRORS = Path(__file__).parent / "errors"
DATA = """
data {{
    csv "{source}.csv"
    inputs rest
    targets {target}
    split train=80% test=20%
    standardize inputs
}}
train {{ minimize {minimize}; optimizer exact }}
"""


def of_set(folder, model, source, target, minimize):
    text = f"model m {{ {model} }}" + DATA.format(source=source, target=target, minimize=minimize)
    return deltaplan.loads(text, folder=folder)


def samples(spec):
    """x [N, features] and y of the training part, as the model sees them."""
    found = load_dataset(spec, Path()).parts["train"]
    return found.x["input"].T, found.y["output"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("strength", [0, 0.3])
def test_least_squares_are_those_of_linear_algebra(backend, strength, specs):
    """diabetes: θ from the normal equations with the penalty on the weights alone."""
    spec = of_set(
        specs, "input 10; output 1", "diabetes", "progression", f"mean(squared_error) + l2({strength})"
    )
    run = deltaplan.train(spec, backend=backend)
    x, y = samples(spec)
    ones = np.column_stack([x, np.ones(len(x))])
    penalty = len(x) * strength * np.diag([*[1.0] * 10, 0.0])
    expected = np.linalg.solve(ones.T @ ones + penalty, ones.T @ y[0])
    np.testing.assert_allclose(run.theta, expected, rtol=1e-9)
    assert run.ended == "converged"
    assert run.saved.step <= 3
    assert run.metrics["gradient_norm"] < 1e-10


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_of_many_classes_by_hand_is_zero(backend, specs):
    """iris: (1/N) Σ (softmax(Wx + b) − e_y) xᵀ + λW = 0 and (1/N) Σ (softmax(Wx + b) − e_y) = 0."""
    spec = of_set(specs, "input 4; output 3", "iris", "species", "mean(cross_entropy) + l2(0.01)")
    run = deltaplan.train(spec, backend=backend)
    x, y = samples(spec)
    w, b = run.theta[:12].reshape(3, 4), run.theta[12:]
    powers = np.exp(x @ w.T + b)
    wrong = (powers / powers.sum(axis=1, keepdims=True) - np.eye(3)[y.astype(int)]) / len(x)
    assert np.abs(wrong.T @ x + 0.01 * w).max() < 1e-12
    assert np.abs(wrong.sum(axis=0)).max() < 1e-12
    assert (run.ended, run.metrics["gradient_norm"] < 1e-12) == ("converged", True)


def test_the_gradient_of_yes_or_no_by_hand_is_zero(specs):
    spec = of_set(specs, "input 30; output 1", "breast_cancer", "diagnosis", "mean(logistic) + l2(0.1)")
    run = deltaplan.train(spec)
    x, y = samples(spec)
    w, b = run.theta[:30], run.theta[30]
    wrong = (1 / (1 + np.exp(-(x @ w + b))) - y[0]) / len(x)
    assert np.abs(wrong @ x + 0.1 * w).max() < 1e-12
    assert abs(wrong.sum()) < 1e-12


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_output_alone_is_least_squares_on_features(backend):
    options = {"optimizer": "exact", "length": "", "more": "only output", "backend": backend}
    found, whole = trained(*NET, **options), problem(*NET)
    begin = initial(whole.experiment.graph, 7)
    x, y = part(10).x["input"][0], part(10).y["output"][0]
    w, b = begin[:6], begin[12:18]
    features = np.column_stack([np.tanh(np.outer(x, w) + b), np.ones(10)])
    expected, *_ = np.linalg.lstsq(features, y, rcond=None)
    np.testing.assert_allclose(found.theta[[*range(6, 12), 18]], expected, rtol=1e-6)
    still = [*range(6), *range(12, 18)]
    np.testing.assert_array_equal(found.theta[still], begin[still])


@FULL
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_output_alone_is_classified_on_features(backend, specs):
    """iris, tanh(Ax + a) as it begins: the gradient of the last layer by hand, with a penalty on all weights,
    the frozen ones among them."""
    problem = DATA.format(source="iris", target="species", minimize="mean(cross_entropy) + l2(0.01)")
    text = "model m { input 4; dense 4 tanh; output 3 }" + problem.replace("exact", "exact; only output")
    spec = deltaplan.loads(text, folder=specs)
    run = deltaplan.train(spec, backend=backend)
    x, y = samples(spec)
    inner, w = run.theta[:16].reshape(4, 4), run.theta[16:28].reshape(3, 4)
    features = np.tanh(x @ inner.T + run.theta[28:32])
    powers = np.exp(features @ w.T + run.theta[32:])
    wrong = (powers / powers.sum(axis=1, keepdims=True) - np.eye(3)[y.astype(int)]) / len(x)
    assert np.abs(wrong.T @ features + 0.01 * w).max() < 1e-12
    assert run.ended == "converged"
    assert run.saved.step <= 15


def test_the_certificate_is_that_of_the_rounded_parameters():
    """With float32 the norm is of what θ keeps of the minimum."""
    options = {"optimizer": "exact", "length": "", "more": "only output"}
    fine, rough = (trained(*NET, precision=p, **options) for p in ("float64", "float32"))
    assert rough.theta.dtype == np.float32
    whole = problem(*NET)
    chosen = np.zeros(whole.size, bool)
    for block in parameters(*NET):
        chosen[block.offset : block.end] = block.node == "output"
    expected = np.linalg.norm(whole.objective_grad(rough.theta.astype(float))[chosen])
    assert rough.gradient_norm == pytest.approx(expected, rel=1e-6)
    assert fine.gradient_norm < 1e-9 < rough.gradient_norm < 1e-3


@FULL
@pytest.mark.parametrize("backend", BACKENDS)
def test_lbfgs_ends_at_a_minimum(backend):
    """The gradient by the functions of `problem`, and a value below that of as many steps of adam."""
    minimize = "mean(squared_error) + l2(1e-3)"
    found = trained(
        *NET, optimizer="lbfgs(tolerance=1e-10)", length="epochs 500", minimize=minimize, backend=backend
    )
    whole = problem(*NET, minimize=minimize)
    assert found.ended == "converged"
    assert np.abs(whole.objective_grad(found.theta)).max() <= 1e-10
    adam = trained(*NET, optimizer="adam(0.01)", length="epochs 500", minimize=minimize)
    assert whole.objective(found.theta) < whole.objective(adam.theta)


@pytest.mark.parametrize("optimizer", ["lbfgs\nsteps 3", "exact\nonly output"])
def test_pictures_are_solved_on_both_backends(optimizer):
    text = "model m { input 4x3x2; conv 2 kernel=2 tanh; flatten; output 1 }\ntrain {\n"
    text += f"minimize mean(squared_error) + l2(0.1)\nprecision float64\noptimizer {optimizer}\n}}"
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 24)), rng.normal(size=(9, 1))
    found = [deltaplan.train(deltaplan.loads(text), x, y, backend=backend).theta for backend in BACKENDS]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-12)


def test_the_history_has_the_points_that_it_reached():
    minimize = "sum(squared_error) + l2(1e-3)"
    found = trained(
        *NET, optimizer="lbfgs", length="epochs 9", minimize=minimize, more="record parameters every=1"
    )
    whole = problem(*NET, minimize=minimize)
    assert (found.ended, found.step) == ("complete", 9)
    assert [record.step for record in found.history] == list(range(1, 10))
    assert [record.epoch for record in found.history] == list(range(1, 10))
    for record, theta in zip(found.history, found.recorded.theta[1:], strict=True):
        assert record.objective == pytest.approx(whole.objective(theta), rel=1e-12)
        assert record.loss == pytest.approx(whole.loss(theta), rel=1e-12)
    assert (np.diff([record.objective for record in found.history]) < 0).all()


def test_frozen_layers_stay():
    model = ("input 1", "dense 6 tanh freeze", "dense 4 tanh", "output 1")
    spec = problem(*model)
    found = trained(*model, optimizer="lbfgs", length="epochs 20")
    begin = initial(spec.experiment.graph, 7)
    for block in parameters(*model):
        same = (found.theta[block.offset : block.end] == begin[block.offset : block.end]).all()
        assert same == (block.node == "dense1")


def test_it_stops_early_and_keeps_the_best(specs):
    spec = deltaplan.loads(
        "model m { input 1; dense 20, 20 tanh; output 1 }\n"
        'data { csv "wave.csv"; inputs t; targets y; split validation=50% }\n'
        "train { minimize mean(squared_error); optimizer lbfgs; epochs 500; stop_early patience=3 }",
        folder=specs,
    )
    run = deltaplan.train(spec)
    losses = [record["validation_loss"] for record in run.history]
    assert run.ended == "stopped early"
    assert len(losses) == int(np.argmin(losses)) + 4
    assert run.metrics["validation"]["loss"] == pytest.approx(min(losses), rel=1e-5)


def test_ctrl_c_keeps_the_point_at_hand():
    def stop(record):
        if record.step == 5:
            signal.raise_signal(signal.SIGINT)

    found = trained(*NET, optimizer="lbfgs", length="epochs 500", progress=stop)
    assert (found.ended, found.step) == ("interrupted", 5)


def test_what_is_not_finite_from_the_first_is_told():
    data = dataset(10)
    data.parts["train"].x["input"][0, 3] = 1e200
    found = trained(*NET[:1], "output 1", optimizer="lbfgs", length="epochs 5", data=data)
    assert (found.ended, found.step) == ("diverged", 0)
    assert found.divergence.code == "diverged"


def test_a_run_of_a_solver_does_not_go_on(specs, tmp_path, golden, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = deltaplan.loads(
        "model m { input 1; dense 3 tanh; output 1 }\n"
        'data { csv "wave.csv"; inputs t; targets y }\n'
        "train { minimize mean(squared_error); optimizer lbfgs; epochs 3 }",
        folder=specs,
    )
    run = deltaplan.train(spec, runs="runs")
    with pytest.raises(SpecError) as told:
        deltaplan.train(spec, resume=run)
    golden(ERRORS / "solver-does-not-go-on.err", f"{told.value}\n")


def test_many_seeds_are_solved_one_after_the_other(specs):
    spec = deltaplan.loads(
        "model m { input 1; dense 3 tanh; output 1 }\n"
        'data { csv "wave.csv"; inputs t; targets y }\n'
        "train { minimize mean(squared_error); optimizer lbfgs; epochs 5; seed 4 }",
        folder=specs,
    )
    found = deltaplan.train_seeds(spec, seeds=range(3, 6))
    np.testing.assert_array_equal(found.theta[1], deltaplan.train(spec).theta)
    assert not np.array_equal(found.theta[0], found.theta[1])
