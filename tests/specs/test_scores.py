"""Specs with real data score as scikit-learn's MLP of equal shape does, on the same rows.

Its scores were recorded by reference/sklearn/record_scores.py. The bar: over the seeds 0 to 9 of the split,
the mean difference is at least -0.01; R² on diabetes is at most 0.02 below that of least squares.
"""

import json
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from reference.sklearn.comparison import HERE, METRICS, SEEDS, digest, experiment_at, settings

from deltaplan.runtime.data import load_dataset
from deltaplan.runtime.model import Model
from deltaplan.runtime.train import train

WORSE = 0.01
WORSE_THAN_LINEAR = 0.02


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def score(name: str, seed: int) -> float:
    """The spec's score on its test part, with the parts drawn by this seed."""
    experiment = experiment_at(name, seed)
    dataset = load_dataset(experiment, Path())
    model = Model(experiment, train(experiment, dataset).theta, dataset.preprocessing)
    return model.score(dataset.parts["test"])[METRICS[name]]


@pytest.mark.parametrize("name", METRICS)
def test_recorded_scores_are_those_of_the_spec(name: str) -> None:
    peer = recorded(name)
    datasets = [load_dataset(experiment_at(name, seed), Path()) for seed in SEEDS[:2]]
    assert peer["settings"] == settings(name)
    assert [split["rows"] for split in peer["splits"]][:2] == [digest(dataset) for dataset in datasets]


@pytest.mark.slow
@pytest.mark.parametrize("name", METRICS)
def test_scores_are_those_of_scikit_learn(name: str) -> None:
    splits = recorded(name)["splits"]
    assert [split["seed"] for split in splits] == list(SEEDS)
    difference = fmean(score(name, split["seed"]) - fmean(split["mlp"]) for split in splits)
    assert difference >= -WORSE


@pytest.mark.slow
def test_diabetes_is_no_worse_than_a_line() -> None:
    splits = recorded("diabetes")["splits"]
    assert fmean(score("diabetes", s["seed"]) - s["linear"] for s in splits) >= -WORSE_THAN_LINEAR


def test_breast_cancer_stops_early_and_gives_its_best() -> None:
    experiment = experiment_at("breast_cancer", 1)
    dataset = load_dataset(experiment, Path())
    outcome = train(experiment, dataset)
    model = Model(experiment, outcome.theta, dataset.preprocessing)
    losses = [record.validation_loss for record in outcome.history if record.validation_loss is not None]
    assert outcome.history[-1].epoch < 200
    assert model.score(dataset.parts["validation"])["loss"] == pytest.approx(min(losses), rel=1e-6)
    assert model.score(dataset.parts["test"])["accuracy"] >= 0.95
