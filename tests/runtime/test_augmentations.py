"""What training sees in place of an input: numbers by hand from the same draws, on both backends, and never
outside of training."""

from pathlib import Path

import numpy as np
import pytest
from effort import FULL

import deltaplan
from deltaplan.compiler.lower import lower
from deltaplan.compiler.plan import compile_plans
from deltaplan.compiler.render import render
from deltaplan.plugins.api import augmentation
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.dropout import fill
from deltaplan.runtime.random import Purpose, uniform

pytestmark = pytest.mark.light

SEED, STEP, SAMPLES = 3, 5, 400


def spec(augment: str, shape: str = "5x6x2", backend: str = "") -> str:
    size = np.prod([int(side) for side in shape.split("x")])
    return f"""
model m {{
    input {shape}
    flatten
    output 2
}}

data {{
    csv "pictures.csv"
    inputs "x*"
    targets y
    split train=80% validation=20%
    {augment}
}}

train {{
    minimize mean(cross_entropy)
    optimizer adam(lr=1e-2)
    epochs 3
    batch 7
    seed {SEED}
    precision float64
}}

# {size} columns
"""


def seen(augment: str, shape: str = "5x6x2") -> tuple[np.ndarray, np.ndarray]:
    """Samples, and what training sees of them in one step: [N, *shape] both."""
    experiment = deltaplan.loads(spec(augment, shape))
    plan = compile_plans(experiment, fused=False).train
    assert plan is not None
    sides = tuple(int(side) for side in shape.split("x"))
    x = np.random.default_rng(1).uniform(1, 2, (*sides, SAMPLES))
    data = {"input": x.reshape(-1, SAMPLES), "target output": np.zeros(SAMPLES, np.intp)}
    vectors = {"θ": np.zeros(plan.trace.length), "g": np.zeros(plan.trace.length)}
    draw = lambda node, out: fill(out, SEED, STEP, node)  # noqa: E731
    bound = bind(plan, vectors, SAMPLES, {k: _as(plan, k, v) for k, v in data.items()}, draw, reuse=False)
    bound.run()
    last = [node.name for node in experiment.graph if node.name.startswith("input.")][-1]
    return np.moveaxis(x, -1, 0), np.moveaxis(bound[plan.trace.values[last]].reshape(*sides, SAMPLES), -1, 0)


def _as(plan, key, value):
    tensor = plan.trace.inputs.get(key)
    return value if tensor is None else value.reshape((-1, value.shape[-1]))


def test_flip_mirrors_half_of_the_pictures() -> None:
    x, found = seen("augment flip")
    mirrored = np.array([np.array_equal(f, s[:, ::-1]) for f, s in zip(found, x, strict=True)])
    kept = np.array([np.array_equal(f, s) for f, s in zip(found, x, strict=True)])
    assert np.all(mirrored ^ kept)
    drawn = uniform(Purpose.DROPOUT, SEED, STEP, 1, (SAMPLES, 1), bits=24)[:, 0]  # node 1 of the graph
    assert np.array_equal(kept, drawn < 0.5)
    assert 0.4 < kept.mean() < 0.6


def test_shift_moves_each_picture_as_a_whole_and_fills_with_zeros() -> None:
    x, found = seen("augment shift(2)")
    moves = []
    for sample, moved in zip(x, found, strict=True):
        wide = np.pad(sample, [(2, 2), (2, 2), (0, 0)])
        places = [
            (i, j) for i in range(5) for j in range(5) if np.array_equal(wide[i : i + 5, j : j + 6], moved)
        ]
        assert len(places) == 1
        moves += places
    counts = np.histogram2d(*np.transpose(moves), bins=5)[0]
    assert counts.min() > 0  # every one of the 25 places
    assert counts.sum(axis=0) == pytest.approx(SAMPLES / 5, abs=5 * np.sqrt(SAMPLES * 0.16))


def test_shift_of_a_sequence_is_along_its_length() -> None:
    x, found = seen("augment shift(1)", "7x3")
    for sample, moved in zip(x, found, strict=True):
        wide = np.pad(sample, [(1, 1), (0, 0)])
        assert any(np.array_equal(wide[i : i + 7], moved) for i in range(3))


def test_noise_is_normal_with_its_deviation_and_different_for_each_number() -> None:
    x, found = seen("augment noise(0.05)", "12")
    noise = (found - x) / 0.05
    assert noise.mean() == pytest.approx(0, abs=0.05)
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert np.abs(np.corrcoef(noise.T) - np.eye(12)).max() < 0.25


def test_one_after_the_other() -> None:
    _, found = seen("augment noise(0.01)\n    augment shift(1)")
    assert np.mean(np.abs(found) < 0.5) == np.mean(found == 0)  # zeros come after the noise


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(2)
    rows = [",".join([*(f"x{i}" for i in range(60)), "y"])]
    rows += [",".join([*(f"{v:.3f}" for v in random.normal(size=60)), str(i % 2)]) for i in range(60)]
    (tmp_path / "pictures.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    "augment", ["flip", "shift(2)", "noise(0.3)", pytest.param("shift(1), flip, noise(0.1)", marks=FULL)]
)
def test_training_is_the_same_on_both_backends(pictures: Path, augment: str) -> None:
    experiment = deltaplan.loads(spec(f"augment {augment}"))
    native, numpy = (deltaplan.train(experiment, runs=None, backend=b) for b in ("native", "numpy"))
    plain = deltaplan.train(deltaplan.loads(spec("")), runs=None)
    np.testing.assert_allclose(native.theta, numpy.theta, rtol=0, atol=1e-11)
    assert np.abs(native.theta - plain.theta).max() > 1e-3


def test_other_parts_are_seen_as_they_are(pictures: Path) -> None:
    """With a rate of 0 the parameters stay: the loss of training is of noisy samples, others are not."""
    still = spec("augment noise(5)").replace("lr=1e-2", "lr=0")
    noisy, plain = (
        deltaplan.train(deltaplan.loads(s), runs=None) for s in (still, still.replace("5)", "0)"))
    )
    assert noisy.metrics["validation"] == plain.metrics["validation"]
    assert noisy.metrics["train"] == plain.metrics["train"]  # measured after training, on the data
    assert noisy.history[0]["loss"] != plain.history[0]["loss"]


def test_prediction_has_no_step_of_it() -> None:
    graph = deltaplan.loads(spec("augment flip, shift(1), noise(0.1)")).graph
    assert {step.origin for step in lower(graph, "predict").steps} <= {
        "flatten1",
        "output",
        "loss.cross_entropy",
    }


def test_an_autoencoder_is_compared_with_the_input_as_it_was(pictures: Path) -> None:
    """Of a model that gives back what it sees, the loss is ½‖noise‖²: 60 · 0.1² / 2 in the mean."""
    text = spec("augment noise(0.1)", "60").replace("targets y", "targets inputs")
    text = text.replace(
        "    flatten\n    output 2", "    dense 60 init=zeros bias=false residual\n    output identity"
    )
    text = text.replace("cross_entropy", "squared_error").replace("adam(lr=1e-2)", "sgd(lr=0)")
    run = deltaplan.train(deltaplan.loads(text), runs=None)
    assert run.history[-1]["loss"] == pytest.approx(0.3, rel=0.1)
    assert run.metrics["train"]["loss"] == 0


def test_seeds_are_trained_as_one_by_one(pictures: Path) -> None:
    experiment = deltaplan.loads(spec("augment shift(1), noise(0.1)"))
    many = deltaplan.train_seeds(experiment, seeds=[SEED, SEED + 1])
    one = deltaplan.train(experiment, runs=None)
    np.testing.assert_allclose(many.theta[0], one.theta, rtol=0, atol=1e-9)


def test_a_plugin_has_the_same_door(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from deltaplan.plugins.api import augmentation, number, where\n\n\n"
        '@augmentation("erase", rate=number(0.1, minimum=0, below=1))\n'
        "def erase(builder, x, rate):\n"
        '    """Each number 0 with the probability `rate`"""\n'
        "    return builder.map(lambda v, u: where(u < rate, 0, v), x, builder.uniform(x.shape))\n"
    )
    path = tmp_path / "spec.dl"
    path.write_text('use "./mine.py"\n' + spec("augment erase"))
    experiment = deltaplan.load(path)
    assert "augment erase(rate=0.1)" in render(experiment)
    assert "input.erase" in experiment.graph


def test_what_changes_the_shape_is_the_plugins_fault(tmp_path: Path) -> None:
    assert augmentation("half")(lambda builder, x: x).kind == "augmentation"
    (tmp_path / "mine.py").write_text(
        "from deltaplan.plugins.api import augmentation\n\n\n"
        '@augmentation("half")\ndef half(builder, x):\n    return builder.slice(x, 0, 0, 2)\n'
    )
    path = tmp_path / "spec.dl"
    path.write_text('use "./mine.py"\n' + spec("augment half"))
    with pytest.raises(deltaplan.DeltaplanError, match="half"):
        deltaplan.load(path)


def test_a_run_needs_the_plugin_that_it_was_trained_with(pictures: Path) -> None:
    Path("mine.py").write_text(
        "from deltaplan.plugins.api import augmentation\n\n\n"
        '@augmentation("halved")\ndef halved(builder, x):\n    return builder.map(lambda v: v / 2, x)\n'
    )
    Path("spec.dl").write_text('use "./mine.py"\n' + spec("augment halved"))
    run = deltaplan.train("spec.dl").save("runs")
    with pytest.raises(deltaplan.DeltaplanError, match="needs the augmentation `halved`"):
        deltaplan.open(run.folder)
    again = deltaplan.open(run.folder, run_plugins=True)
    x = np.random.default_rng(4).normal(size=(5, 60))
    assert np.array_equal(again.predict(x), run.predict(x))
