"""Known networks as specs: their parameters, their length beside that of their originals, and what those
that have data here reach."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.parameters import place_parameters
from deltaplan.runtime.run import Run

SPECS = Path(__file__).parents[2] / "specs"

# Counted by hand from the layers of the originals, weights and biases.
COUNTS = {
    "networks/lenet": 431_080,  # 20·25+20, 50·500+50, 500·800+500, 10·500+10
    "networks/nntrainer_mnist": 3_898,  # 6·25+6, 12·150+12, 10·192+10
    "networks/kur_cifar": 347_946,  # 64·27+64, 32·576+32, 10·32768+10
    "networks/dropout_mlp": 11_082,  # 64·32+64, twice 64·64+64, 10·64+10
    "networks/pylearn2_mlp": 903_510,  # 500·784+500, 1000·500+1000, 10·1000+10
    "networks/resnet20": 272_474,  # as PyTorch counts it with projections and their batch norms
    "autoencoder": 4_744,  # 32·64+32, 8·32+8, 32·8+32, 64·32+64
    "unet": 17_465,
    "two_and_two": 628,
    "digits_cnn": 38_282,  # 16·9+16, 32·144+32, 64·512+64, 10·64+10
    "digits_resnet": 19_642,
    "sunspots": 737,  # 16·22 without bias, 16·22+16, 16+1
}

# Lines of the original file; Kur's is the model alone.
ORIGINALS = {
    "networks/lenet": (168, ""),
    "networks/nntrainer_mnist": (60, ""),
    "networks/kur_cifar": (18, "model"),
    "networks/pylearn2_mlp": (67, ""),
}


def load(name: str) -> Experiment:
    return deltaplan.load(SPECS / f"{name}.dl")


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_parameters_are_those_of_the_network(name: str, count: int) -> None:
    experiment = load(name)
    assert experiment.warnings == ()
    assert sum(p.size for p in place_parameters(experiment.graph)) == count


def test_every_network_is_counted() -> None:
    assert {f"networks/{path.stem}" for path in (SPECS / "networks").glob("*.dl")} <= set(COUNTS)


@pytest.mark.parametrize("name", ORIGINALS)
def test_no_spec_is_longer_than_its_original(name: str) -> None:
    lines, block = ORIGINALS[name]
    text = (SPECS / f"{name}.dl").read_text(encoding="utf-8")
    assert f"{lines} lines" in text.replace("\n# ", " ")  # the count is told in the file
    assert len(code_lines(text, block)) <= lines


def code_lines(text: str, block: str) -> list[str]:
    """The lines that are no comments and not empty; those of one block where it is named."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not block:
        return lines
    begin = next(i for i, line in enumerate(lines) if line.startswith(block))
    return lines[begin : lines.index("}", begin) + 1]


def test_resnet20_halves_its_sides_twice() -> None:
    shapes = load("networks/resnet20").graph.shapes
    assert {shape for shape in shapes.values() if len(shape) == 3} == {
        (32, 32, 3),
        (32, 32, 16),
        (16, 16, 32),
        (8, 8, 64),
    }


def trained(name: str) -> Run:
    return deltaplan.train(load(name), runs=None)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits_cnn", pytest.param("digits_resnet", marks=pytest.mark.long)])
def test_pictures_of_digits_are_told_apart(name: str) -> None:
    """0.985 is over what scikit-learn's perceptron reaches on the same rows (0.978 in the mean)."""
    assert trained(name).metrics["test"]["accuracy"] >= 0.985


@pytest.mark.long
def test_unet_takes_off_most_of_the_noise() -> None:
    run = trained("unet")
    clean = run.dataset().parts["test"].x["input"].reshape(64, -1)
    noisy = clean + np.random.default_rng(1).normal(size=clean.shape) * 0.3
    found = run.model.predict_columns({"input": noisy})["output"].reshape(64, -1) / 16
    assert np.mean((found - clean) ** 2) <= 0.3 * np.mean((noisy - clean) ** 2)


def test_autoencoder_is_better_than_eight_principal_components() -> None:
    run = trained("autoencoder")
    train, test = (run.dataset().parts[part].x["input"] for part in ("train", "test"))
    mean = train.mean(axis=1, keepdims=True)
    axes = np.linalg.svd(train - mean, full_matrices=False)[0][:, :8]
    linear = mean + axes @ (axes.T @ (test - mean))
    found = run.model.predict_columns({"input": test})["output"] / 16  # from 0 to 1, as the inputs
    assert np.mean((found - test) ** 2) < np.mean((linear - test) ** 2)


def test_two_outputs_learn_both_at_once() -> None:
    metrics = trained("two_and_two").metrics["test"]
    assert metrics["grape.accuracy"] >= 0.94
    assert metrics["alcohol.r2"] >= 0.3


def test_sunspots_are_foreseen_better_than_by_the_year_before() -> None:
    """As a linear model of 22 years, 0.867 on the test part; the year before gives 0.607."""
    run = trained("sunspots")
    values = np.loadtxt(SPECS / "sunspots.csv", delimiter=",", skiprows=1)[:, 1]
    years = len(run.dataset().parts["test"])
    target, before = values[-years:], values[-years - 1 : -1]
    persistence = 1 - np.sum((before - target) ** 2) / np.sum((target - target.mean()) ** 2)
    assert persistence == pytest.approx(0.607, abs=1e-3)
    assert run.metrics["test"]["r2"] >= 0.85
