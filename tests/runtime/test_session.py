"""The Python face as a notebook uses it: data from memory, frames, runs that show themselves."""

import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import deltaplan

SPECS = Path(__file__).parents[2] / "specs"
PLAIN = """
model plain {{ input {inputs}; dense 6 tanh; output {outputs} }}
train {{ minimize mean({loss}); optimizer adam(lr=0.05); epochs {epochs}; batch full
    seed 1; precision float64 }}
"""
WITH_DATA = """
model m { input 2; dense 6 tanh; output 3 }
data { csv "flowers.csv"; inputs long, wide; targets kind; split train=80% test=20% seed=1
    standardize inputs }
train { minimize mean(cross_entropy); optimizer adam(lr=0.05); epochs 60; batch full; seed 1 }
"""


class Frame:
    """A data frame as far as one is needed: columns by name."""

    def __init__(self, columns):
        self._columns, self.columns = columns, list(columns)

    def __getitem__(self, name):
        return self._columns[name]


def plain(inputs=2, outputs=1, loss="squared_error", epochs=5):
    return deltaplan.loads(PLAIN.format(inputs=inputs, outputs=outputs, loss=loss, epochs=epochs))


def regression(count=30):
    random = np.random.default_rng(0)
    x = random.normal(size=(count, 2))
    return x, x[:, 0] - 2 * x[:, 1]


def flowers(count=60):
    """Three kinds that a line tells apart."""
    x = np.random.default_rng(0).normal(size=(count, 2))
    return x, np.array(["rose", "tulip", "iris"])[np.digitize(x[:, 0], [-0.5, 0.5])]


def test_arrays_train_a_spec_without_a_data_block():
    x, y = regression()
    run = deltaplan.train(plain(epochs=400), x, y)
    assert run.folder is None
    assert run.score(x, y)["loss"] < 1e-3
    assert run.metrics["train"] == pytest.approx(run.score(x, y))
    assert run.predict(x).shape == (30, 1)
    assert np.abs(run.predict(x)[:, 0] - y).max() < 0.5
    assert run.score(x, y)["loss"] == pytest.approx(((run.predict(x)[:, 0] - y) ** 2).mean() / 2)


def test_lists_are_arrays():
    x, y = regression()
    first, second = (deltaplan.train(plain(), *data) for data in ((x, y), (x.tolist(), y.tolist())))
    assert first.theta.tobytes() == second.theta.tobytes()


def test_classes_keep_their_names():
    x, y = flowers()
    run = deltaplan.train(plain(outputs=3, loss="cross_entropy", epochs=300), x, y)
    assert (run.decide(x) == y).mean() > 0.95
    assert run.predict(x).sum(axis=1) == pytest.approx(np.ones(60))
    assert run.score(x, y)["accuracy"] == pytest.approx((run.decide(x) == y).mean())


def test_a_frame_gives_the_columns_that_the_spec_names():
    x, y = flowers()
    spec = deltaplan.loads(WITH_DATA)
    frame = Frame({"wide": x[:, 1], "kind": y, "note": ["?"] * 60, "long": x[:, 0]})
    by_frame, by_array = deltaplan.train(spec, frame), deltaplan.train(spec, x, y)
    assert by_frame.theta.tobytes() == by_array.theta.tobytes()
    assert set(by_frame.metrics) >= {"train", "test"}
    assert by_frame.predict(frame).tolist() == by_frame.predict(x).tolist()
    assert by_frame.decide({"long": x[:, 0], "wide": x[:, 1]}).tolist() == by_frame.decide(x).tolist()
    assert by_frame.score(frame) == by_frame.score(x, y)


def test_a_frame_without_a_data_block_is_asked_for_its_columns_again():
    x, y = regression()
    run = deltaplan.train(plain(), Frame({"a": x[:, 0], "b": x[:, 1]}), y)
    turned = Frame({"b": x[:, 1], "more": y, "a": x[:, 0]})
    assert run.predict(turned).tolist() == run.predict(x).tolist()
    with pytest.raises(deltaplan.SpecError, match=r"(?s)no column `b`.*columns: `a`, `c`"):
        run.predict(Frame({"a": x[:, 0], "c": x[:, 1]}))


def two_inputs():
    return deltaplan.loads(
        "model two { left = input 2; right = input 3; both = concat from left, right; output 1 }\n"
        "train { minimize mean(squared_error); optimizer sgd(lr=0.1); epochs 2; batch full }"
    )


def test_several_inputs_are_given_by_name():
    x, y = np.random.default_rng(0).normal(size=(12, 5)), np.arange(12.0)
    parts = {"right": x[:, 2:], "left": x[:, :2]}
    run = deltaplan.train(two_inputs(), parts, y)
    frames = {"left": Frame({"left1": x[:, 0], "left2": x[:, 1]}), "right": x[:, 2:]}
    assert run.predict(parts).tolist() == run.predict(frames).tolist()
    p = deltaplan.problem(two_inputs(), parts, y)
    assert p.outputs(run.theta)[:, 0] == pytest.approx(run.predict(parts)[:, 0], rel=1e-5)


X, Y = regression(6)


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (X[:, :1], Y, "`input` takes 2 numbers"),
        (X, Y[:4], "`y1` has 4 rows"),
        (X, np.c_[Y, Y], "`y` has 2 columns, and output `output` asks for 1"),
        (X[None], Y, r"`X` is no table of samples: it has the shape \(1, 6, 2\)"),
        ([[1, 2], [3]], [1, 2], "its rows differ in length"),
        ([["a", "b"], ["1", "2"]], [1, 2], "must hold numbers"),
        (X * np.nan, Y, "has no value in 6 rows"),
        (X, None, "`y` is no table of samples: it is missing"),
        (np.empty((0, 2)), [], "the data have 0 rows"),
        (Frame({"a": Y, "b": Y}), Frame({"b": Y}), "column `b` is given twice"),
    ],
)
def test_what_does_not_fit_is_told_in_the_users_terms(x, y, told):
    with pytest.raises(deltaplan.SpecError, match=told):
        deltaplan.train(plain(), x, y)


def test_several_inputs_at_once_are_refused():
    with pytest.raises(deltaplan.SpecError, match="the model has `left`, `right`"):
        deltaplan.train(two_inputs(), np.zeros((3, 5)), [1, 2, 3])
    with pytest.raises(deltaplan.SpecError, match="given for `left`, `rigth`, and the model has"):
        deltaplan.train(two_inputs(), {"left": X, "rigth": X}, Y)


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (X[:, :1], r"`X` has 1 column, .*\n.*\[N, 2\]: `x1`, `x2`"),
        (X[0], r"`X` has 1 column"),
        (X[None], "the shape"),
        (X * np.nan, "has no value"),
    ],
)
def test_predictions_for_other_shapes_are_refused(x, told):
    run = deltaplan.train(plain(), X, Y)
    with pytest.raises(deltaplan.SpecError, match=told):
        run.predict(x)


def test_a_run_is_written_when_it_is_saved(tmp_path):
    x, y = flowers()
    run = deltaplan.train(plain(outputs=3, loss="cross_entropy"), x, y)
    assert list(tmp_path.iterdir()) == []
    saved = run.save(tmp_path)
    back = deltaplan.open(saved.folder)
    assert saved.folder == tmp_path / "plain-1"
    assert (saved.folder / "loss.svg").exists()
    assert back.predict(x).tobytes() == run.predict(x).tobytes()
    assert back.decide(x).tolist() == run.decide(x).tolist()
    assert back.score(x, y) == run.score(x, y)
    with pytest.raises(deltaplan.SpecError, match="trained on data from memory"):
        back.dataset()


def test_a_spec_is_an_experiment_or_a_path():
    experiment = deltaplan.load(SPECS / "iris.dl")
    counts = [
        deltaplan.problem(spec).size for spec in (experiment, SPECS / "iris.dl", str(SPECS / "iris.dl"))
    ]
    assert len(set(counts)) == 1
    assert deltaplan.compile(SPECS / "iris.dl").predict.trace.size == counts[0]
    with pytest.raises(ValueError, match="params are given when a spec is loaded"):
        deltaplan.train(experiment, params={"n": 1})
    with pytest.raises(ValueError, match="y is given without x"):
        deltaplan.train(experiment, y=[1])
    with pytest.raises(deltaplan.SpecError, match="nowhere"):
        deltaplan.train("nowhere.dl")


def test_what_a_spec_lacks_is_told():
    model = deltaplan.loads("model m { input 2; output 1 }")
    with pytest.raises(deltaplan.SpecError, match="has no `train` block"):
        deltaplan.train(model, X, Y)
    with pytest.raises(deltaplan.SpecError, match="has no `data` block"):
        deltaplan.train(plain())


def test_experiments_and_plans_show_themselves():
    experiment = deltaplan.load(SPECS / "iris.dl")
    assert repr(experiment) == f"<experiment `iris` of {SPECS / 'iris.dl'}>"
    assert "parameters  131" in str(experiment)
    assert "parameters  131" in experiment._repr_html_()
    plans = deltaplan.compile(experiment)
    assert len(repr(plans)) < 100
    assert "∂W2 = δ3 z2ᵀ" in str(plans)
    assert "∂W2 = δ3 z2ᵀ" in plans._repr_html_()


def test_a_page_takes_nothing_of_a_spec_for_html():
    spec = deltaplan.loads(
        'model m { input 1; output 1 }\ndata { csv "<script>&.csv"; inputs "<b>"; targets y }'
    )
    html = spec._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;&amp;.csv" in html
    ElementTree.fromstring(html)


def test_a_run_shows_its_scores_and_its_loss_curve():
    x, y = flowers()
    run = deltaplan.train(deltaplan.loads(WITH_DATA), x, y)
    assert repr(run) == "<run `m`, 60 steps, complete>"
    page = ElementTree.fromstring(f"<div>{run._repr_html_()}</div>")
    rows = [[cell.text for cell in row] for row in page.iter("tr")]
    assert rows[0] == ["part", *run.metrics["train"]]
    assert [row[0] for row in rows[1:]] == ["train", "test"]
    assert rows[1][1] == f"{run.metrics['train']['loss']:.4g}"
    (picture,) = re.findall('base64,([^"]+)', run._repr_html_())
    assert ElementTree.fromstring(b64decode(picture)).tag.endswith("svg")


def test_training_starts_without_what_it_does_not_need():
    code = f"""
import sys, deltaplan
run = deltaplan.loads({PLAIN.format(inputs=1, outputs=1, loss="squared_error", epochs=2)!r})
run = deltaplan.train(run, [[0.0], [1.0]], [[0.0], [1.0]])
idle = ("networkx", "safetensors", "importlib.metadata", "click", "deltaplan.compiler.printers",
        "deltaplan.compiler.render", "deltaplan.runtime.svg", "deltaplan.runtime.gradcheck")
print([name for name in idle if name in sys.modules], list(run.pictures))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[] ['loss.svg', 'fit.svg']\n"
