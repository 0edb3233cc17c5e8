"""Columns of several numbers, several targets with one scaling, and outputs of several yes-or-no answers."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.data import load_dataset
from deltaplan.runtime.predictions import predictions_csv
from deltaplan.runtime.run import open_, score

ERRORS = Path(__file__).parent / "errors"
WIDE = """\
model wide {
    input 4
    output OUT
}

data {
    npz "wide.npz"
    inputs INPUTS
    targets TARGETS
    standardize inputs, targets
}

train {
    minimize mean(squared_error)
    optimizer adam
    epochs 3
}
"""
TWO = """\
model two {
    input 1
    trunk = dense 3 tanh
    price = output 1 from trunk
    kind = output 2 from trunk
}

data {
    csv "two.csv"
    inputs x
    targets price=p kind=k
    standardize targets
}

train {
    minimize mean(squared_error(on=price) + cross_entropy(on=kind))
    optimizer adam
    epochs 2
}
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (20, 4))
    np.savez("wide.npz", x=x, a=x[:, 0], bcd=x[:, 1:], y=x[:, :2] * 5)


def wide(inputs, targets="y", out="2"):
    text = WIDE.replace("INPUTS", inputs).replace("TARGETS", targets).replace("OUT", out)
    Path("wide.dl").write_text(text)
    return deltaplan.load("wide.dl")


@pytest.mark.parametrize("inputs", ["x", "a, bcd"])
def test_a_column_of_npz_may_hold_several_numbers(inputs):
    part = load_dataset(wide(inputs), Path()).parts["train"]
    x = np.load("wide.npz")["x"]
    assert np.allclose(part.x["input"], ((x - x.mean(0)) / x.std(0)).T)
    assert part.y["output"].shape == (2, 20)


def test_a_run_on_such_columns_predicts_and_is_scored():
    run = deltaplan.train(wide("x"), runs="runs")
    again = open_(run.folder)
    x = np.load("wide.npz")["x"]
    assert score(again) == {"train": dict(run.metrics["train"])}
    head, *rows = predictions_csv(again, Path("wide.npz")).splitlines()
    assert head == "y[1],y[2]"
    shown = np.array([row.split(",") for row in rows], float)
    assert np.allclose(shown, again.predict(x), rtol=1e-6)


def test_such_columns_from_memory():
    x = np.load("wide.npz")
    run = deltaplan.train(wide("x"), {"x": x["x"]}, {"y": x["y"]})
    assert run.predict({"x": x["x"]}).shape == (20, 2)


@pytest.mark.parametrize(
    ("name", "changes"),
    [("input-size", {"inputs": "bcd"}), ("target-size", {"inputs": "x", "targets": "bcd"})],
)
def test_numbers_are_counted_when_the_data_are_read(name, changes, golden):
    experiment = wide(**changes)
    with pytest.raises(SpecError) as told:
        load_dataset(experiment, Path())
    golden(ERRORS / f"{name}-of-npz.err", f"{told.value}\n")


def test_standardize_scales_the_real_targets_and_leaves_the_labels():
    Path("two.csv").write_text("x,p,k\n" + "".join(f"{i},{100 + i},{'ab'[i % 2]}\n" for i in range(8)))
    Path("two.dl").write_text(TWO)
    part = load_dataset(deltaplan.load("two.dl"), Path()).parts["train"]
    price = np.arange(8.0)
    assert np.allclose(part.y["price"], (price - price.mean()) / price.std())
    assert part.y["kind"].tolist() == [0, 1] * 4


FLAGS = """\
model flags {
    input 1
    dense 4 tanh
    output 2
}

data {
    csv "flags.csv"
    inputs x
    targets positive, large
    split train=50% validation=50%
}

train {
    minimize mean(logistic)
    optimizer adam(lr=0.1)
    epochs 200
    monitor accuracy
}
"""


def test_several_answers_of_yes_or_no():
    x = np.linspace(-2, 2, 41)[:, None]
    answers = np.hstack([x > 0, abs(x) > 1]).astype(int)
    rows = "".join(f"{a[0]},{b[0]},{b[1]}\n" for a, b in zip(x, answers, strict=True))
    Path("flags.csv").write_text(f"x,positive,large\n{rows}")
    Path("flags.dl").write_text(FLAGS)
    run = deltaplan.train("flags.dl", runs="runs")
    decided, shares = run.decide(x), run.predict(x)
    assert decided.shape == shares.shape == (41, 2)
    assert (decided == (shares > 0.5)).all()
    assert run.score(x, answers)["accuracy"] == (decided == answers).mean() > 0.8
    head, *cells = predictions_csv(run, Path("flags.csv")).splitlines()
    table = np.array([row.split(",") for row in cells], float)
    assert head == "positive,large,p(positive),p(large)"
    assert (table[:, :2] == decided).all()
    assert np.allclose(table[:, 2:], shares, atol=1e-6)
    assert run.trace(1).predictions[0].values.size == 2
    assert open_(run.folder).decide(x).tolist() == decided.tolist()
