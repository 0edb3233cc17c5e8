"""Class weights: a factor for each sample by its class, against numpy by hand; balanced ones by the data."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.nodes import Loss
from deltaplan.compiler.render import render
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.inquiries import check_gradients
from deltaplan.runtime.run import open_

pytestmark = pytest.mark.light

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


PAIRS = {"[0.5, 4]": [[0.5, 4]] * 3, "[[1, 5], [2, 0.5], [1, 5]]": [[1, 5], [2, 0.5], [1, 5]]}


@pytest.mark.parametrize("given", PAIRS)
@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_each_answer_of_several_is_multiplied_by_the_weight_that_it_has(loss, given):
    yes = RNG.integers(0, 2, (60, 3))
    y = yes if loss == "logistic" else 2 * yes - 1
    p = deltaplan.problem(spec(f"2*{loss}(weights={given})", 3), X, y)
    theta = RNG.normal(size=p.size)
    u = affine(theta, 3)
    losses = np.log(1 + np.exp(u)) - y * u if loss == "logistic" else np.maximum(0, 1 - y * u)
    no, of_yes = np.array(PAIRS[given]).T
    expected = 2 * (np.where(yes, of_yes, no) * losses).sum(axis=1).mean()
    assert p.loss(theta) == pytest.approx(expected, rel=1e-12)
    steepness = 1 / (1 + np.exp(-u)) - y if loss == "logistic" else np.where(1 - y * u > 0, -y, 0)
    slopes = 2 * np.where(yes, of_yes, no) * steepness / 60
    assert np.allclose(p.grad(theta)[9:], slopes.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("given", [*PAIRS, "balanced"])
def test_several_answers_train_alike_on_both_backends(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    yes = (RNG.uniform(size=(60, 3)) < [0.5, 0.2, 0.7]).astype(int)
    rows = "".join(f"{','.join(map(str, [*x, *y]))}\n" for x, y in zip(X, yes, strict=True))
    Path("tags.csv").write_text(f"a,b,c,cat,dog,fish\n{rows}")
    data = 'data { csv "tags.csv"; inputs a, b, c; targets cat, dog, fish; split validation=20% }'
    experiment = deltaplan.loads(SPEC.format(loss=f"logistic(weights={given})", out=3, data=data))
    native, numpy = (deltaplan.train(experiment, backend=each).theta for each in ("native", "numpy"))
    assert np.allclose(native, numpy, rtol=1e-9)
    assert deltaplan.loads(render(experiment)).graph.of(Loss) == experiment.graph.of(Loss)
    if given == "balanced":
        labels = deltaplan.train(experiment).dataset().parts["train"].y["output"]
        shares = np.stack([labels.shape[1] / (2 * (labels == k).sum(axis=1)) for k in (0, 1)], axis=1)
        assert experiment.measured.weights["output"] == pytest.approx(shares.ravel(), rel=1e-15)


def test_pictures_of_answers_have_a_weight_at_each_place():
    text = "model m {{ input 4x4x1; output conv 1 kernel=1 }}\ntrain {{ minimize mean(logistic(weights={})); \
optimizer sgd(lr=1); steps 1; precision float64 }}"
    pairs = RNG.uniform(0.1, 3, (16, 2))
    written = ", ".join(f"[{float(no)!r}, {float(yes)!r}]" for no, yes in pairs)
    x, y = RNG.normal(size=(5, 16)), RNG.integers(0, 2, (5, 16))
    p = deltaplan.problem(deltaplan.loads(text.format(f"[{written}]")), x, y)
    u = 0.7 * x - 0.2
    losses = np.where(y, pairs[:, 1], pairs[:, 0]) * (np.log(1 + np.exp(u)) - y * u)
    assert p.loss(np.array([0.7, -0.2])) == pytest.approx(losses.sum(axis=1).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("[1, 2, 3]", r"(?s)are 3 weights for 2 classes.*`weights=\[\[1, 1\], \[1, 2\], \[1, 3\]\]`"),
        ("[1, 2, 3, 4]", r"(?s)are 4 weights for 2 classes.*one for each is `\[\[1, 5\], \[1, 2\], …\]`"),
        ("[[1, 2]]", "there is 1 pair of weights for 3 answers of yes or no"),
        ("[[1, 2], [1], [1, 2]]", "there is 1 weight for 2 classes"),
        ("[[1, 2], 3, [1, 2]]", r"a weight for each answer takes `\[no, yes\]`, not `3`"),
    ],
)
def test_weights_of_answers_that_do_not_fit(weights, message):
    with pytest.raises(SpecError, match=message):
        spec(f"logistic(weights={weights})", 3)
