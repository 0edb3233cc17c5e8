"""Class weights: a factor for each sample by its class, against numpy by hand; balanced ones by the data."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.render import render
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.inquiries import check_gradients
from deltaplan.runtime.run import open_

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
KINDS = np.array(["a"] * 40 + ["b"] * 15 + ["c"] * 5)
SPEC = """\
model m {{ input 3; output {out} }}
{data}
train {{ minimize mean({loss}) + l2(1e-2); optimizer adam; epochs 3; batch 16; precision float64 }}
"""


def spec(loss, out, data=""):
    return deltaplan.loads(SPEC.format(loss=loss, out=out, data=data))


def affine(theta, out):
    return X @ theta[: 3 * out].reshape(out, 3).T + theta[3 * out :]


@pytest.mark.parametrize("classes", [2, 3, 5, 9])
def test_the_loss_of_a_sample_is_multiplied_by_the_weight_of_its_class(classes):
    weights = RNG.uniform(0, 3, classes)
    labels = np.arange(60) % classes
    given = ", ".join(repr(float(w)) for w in weights)
    p = deltaplan.problem(spec(f"cross_entropy(weights=[{given}])", classes), X, labels)
    theta = RNG.normal(size=p.size)
    u = affine(theta, classes)
    losses = np.log(np.exp(u).sum(axis=1)) - u[np.arange(60), labels]
    assert p.loss(theta) == pytest.approx((weights[labels] * losses).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "values", "by_hand"),
    [
        ("logistic", ["no", "yes"], lambda u, y: np.log(1 + np.exp(u)) - y * u),
        ("hinge", [-1, 1], lambda u, y: np.maximum(0, 1 - y * u)),
    ],
)
def test_the_first_weight_is_that_of_no(loss, values, by_hand):
    yes = RNG.integers(0, 2, 60)
    p = deltaplan.problem(spec(f"{loss}(weights=[0.5, 4])", 1), X, np.array(values)[yes])
    theta = RNG.normal(size=p.size)
    losses = by_hand(affine(theta, 1)[:, 0], yes if loss == "logistic" else 2 * yes - 1)
    assert p.loss(theta) == pytest.approx((np.array([0.5, 4])[yes] * losses).mean(), rel=1e-12)


def written(tmp_path, monkeypatch, loss="cross_entropy(weights=balanced)"):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{a},{b},{c},{kind}\n" for (a, b, c), kind in zip(X, KINDS, strict=True))
    Path("kinds.csv").write_text(f"a,b,c,kind\n{rows}")
    data = 'data { csv "kinds.csv"; inputs a, b, c; targets kind; split validation=20% }'
    Path("m.dl").write_text(SPEC.format(loss=loss, out=3, data=data))
    return deltaplan.load("m.dl")


def test_balanced_weights_give_each_class_the_same_share_of_the_training_part(tmp_path, monkeypatch):
    experiment = written(tmp_path, monkeypatch)
    weights = np.array(experiment.measured.weights["output"])
    labels = deltaplan.train(experiment).dataset().parts["train"].y["output"]
    counts = np.bincount(labels)
    assert weights == pytest.approx(len(labels) / (3 * counts), rel=1e-15)
    assert weights[labels].mean() == pytest.approx(1, rel=1e-12)


def test_both_backends_train_alike_and_gradients_are_right(tmp_path, monkeypatch):
    experiment = written(tmp_path, monkeypatch)
    native, numpy = (deltaplan.train(experiment, backend=each).theta for each in ("native", "numpy"))
    assert np.allclose(native, numpy, rtol=1e-9)
    assert max(row.error for row in check_gradients(experiment)) < 1e-6


def test_a_saved_run_and_a_rendered_spec_have_the_numbers(tmp_path, monkeypatch):
    experiment = written(tmp_path, monkeypatch)
    run = deltaplan.train(experiment, runs="runs")
    text = render(experiment)
    assert "weights=[0.5, " in text
    Path("kinds.csv").rename("moved.csv")
    assert open_(run.folder).experiment.graph.shapes == experiment.graph.shapes
    assert deltaplan.loads(text).graph["loss.cross_entropy"].weights == experiment.measured.weights["output"]
    Path("moved.csv").rename("kinds.csv")
    scores = open_(run.folder).model.score(open_(run.folder).dataset().parts["train"])
    assert scores == run.metrics["train"]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("cross_entropy(weights=[1, 2])", "there are 2 weights for 3 classes"),
        ("cross_entropy(weights=[1, -2, 1])", "a weight must be at least 0, and is -2"),
        ("cross_entropy(weights=3)", "`weights` takes `balanced` or a list of numbers, not `3`"),
    ],
)
def test_weights_that_do_not_fit(tmp_path, monkeypatch, loss, message):
    with pytest.raises(SpecError, match=message):
        written(tmp_path, monkeypatch, loss)
