"""Monitored metrics, early stopping and the best parameters."""

import numpy as np
import pytest

import deltaplan
from deltaplan.runtime.best import Best

pytestmark = pytest.mark.light

WAVE = """
model wave {{
    input 1
    dense 5, 5 tanh
    output 1
}}
data {{
    csv "wave.csv"
    inputs t
    targets y
    split train=70% validation=30% seed=2
    standardize inputs, targets
}}
train {{
    minimize mean(squared_error)
    optimizer adam(lr=3e-2)
    epochs {epochs}
    batch 8
    {more}
}}
"""


def trained(specs, epochs, more=""):
    text = WAVE.format(epochs=epochs, more=more.replace("; ", "\n    "))
    return deltaplan.train(deltaplan.loads(text, folder=specs), runs=None)


@pytest.mark.parametrize(
    ("better", "values", "step", "waited"),
    [
        ("lower", [3.0, 2.0, 2.5, 1.95], 2, 2),  # 1.95 is better than 2 by less than a tenth
        ("higher", [0.1, 0.5, float("nan"), 0.4], 2, 2),
        ("higher", [-1.0], 1, 0),
        ("lower", [float("nan")], 0, 1),
    ],
)
def test_the_best_value_so_far(better, values, step, waited):
    best = Best(better, 0.1, np.zeros(1))
    for number, value in enumerate(values, start=1):
        best.see(value, np.full(1, number), number)
    assert (best.step, best.waited, float(best.theta[0])) == (step, waited, step)


def test_early_stopping_ends_after_the_patience_and_keeps_the_best(specs):
    run = trained(specs, 2000, "stop_early patience=20")
    losses = [record["validation_loss"] for record in run.history]
    best = int(np.argmin(losses))
    assert run.ended == "stopped early"
    assert len(losses) == best + 1 + 20
    assert run.metrics["validation"]["loss"] == pytest.approx(losses[best], rel=1e-6)


def test_keep_last_ends_with_the_last_parameters(specs):
    run = trained(specs, 2000, "stop_early patience=20; keep last")
    assert run.metrics["validation"]["loss"] == pytest.approx(run.history[-1]["validation_loss"], rel=1e-6)
    assert run.history[-1]["validation_loss"] > min(record["validation_loss"] for record in run.history)


def test_keep_best_without_stopping(specs):
    run = trained(specs, 60, "keep best")
    assert run.saved.step == 60 * 4
    best = min(record["validation_loss"] for record in run.history)
    assert run.metrics["validation"]["loss"] == pytest.approx(best, rel=1e-6)


def test_stopping_looks_at_a_monitored_metric(specs):
    run = trained(specs, 2000, "monitor r2; stop_early patience=15 on=r2")
    values = [record["validation_r2"] for record in run.history]
    assert len(values) == int(np.argmax(values)) + 1 + 15


def test_monitored_metrics_are_in_the_data_s_units(specs):
    """The targets are standardized; the metrics of the last record are those of the predictions."""
    run = trained(specs, 10, "monitor rmse, absolute_error, squared_error")
    part = run.dataset().parts["validation"]
    columns = run.model.preprocessing.inputs["input"].scaling
    predicted = run.predict(columns.undo(part.x["input"]).T)[:, 0]
    target = run.model.preprocessing.targets["output"].scaling.undo(part.y["output"])[0]
    last = run.history[-1]
    assert last["validation_rmse"] == pytest.approx(np.sqrt(np.mean((predicted - target) ** 2)), rel=1e-5)
    assert last["validation_absolute_error"] == pytest.approx(np.mean(abs(predicted - target)), rel=1e-5)
    assert last["validation_squared_error"] == pytest.approx(np.mean((predicted - target) ** 2) / 2, rel=1e-5)


def test_metrics_without_a_validation_part_are_those_of_training(specs):
    text = WAVE.format(epochs=3, more="monitor rmse").replace("split train=70% validation=30% seed=2", "")
    run = deltaplan.train(deltaplan.loads(text, folder=specs), runs=None)
    assert "validation_loss" not in run.history[-1]
    assert run.history[-1]["train_rmse"] == pytest.approx(run.metrics["train"]["rmse"], rel=1e-6)


def test_accuracy_is_followed(specs):
    text = """
    model iris {
        input 4
        dense 8 tanh
        output 3
    }
    data {
        csv "iris.csv"
        inputs rest
        targets species
        split train=70% validation=30% seed=1
        standardize inputs
    }
    train {
        minimize mean(cross_entropy)
        optimizer adam(lr=1e-2)
        epochs 30
        batch 16
        monitor accuracy
    }
    """
    run = deltaplan.train(deltaplan.loads(text, folder=specs), runs=None)
    assert run.history[-1]["validation_accuracy"] == run.metrics["validation"]["accuracy"] > 0.8
