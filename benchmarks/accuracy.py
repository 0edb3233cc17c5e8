"""Rows for what is learned: first specs beside scikit-learn's MLP with its defaults, and pictures of digits.

scikit-learn's scores on the same rows were recorded by tests/reference/sklearn/record_defaults.py.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import deltaplan
from benchmarks.measure import Row
from deltaplan.compiler.experiment import Experiment
from deltaplan.runtime.starter import look_at, starter_text

ROOT = Path(__file__).parents[1]
SPECS = ROOT / "specs"
RECORDED = ROOT / "tests" / "reference" / "sklearn" / "defaults.json"
SETS = {
    "digits": "accuracy",
    "iris": "accuracy",
    "wine": "accuracy",
    "breast_cancer": "accuracy",
    "diabetes": "r2",
}
PICTURES = ("digits_cnn", "digits_resnet")
SEEDS = 5  # of the pictures' trainings, which take long


def rows(turns: int) -> Iterator[Row]:
    """Scores on test parts in percent; the bar is on the difference to scikit-learn's, -0.005."""
    for name, metric in SETS.items():
        splits = json.loads(RECORDED.read_text(encoding="utf-8"))["sets"][name]
        ours = [first_score(name, metric, split["seed"]) for split in splits]
        theirs = [fmean(split["mlp"]) for split in splits]
        difference = fmean(a - b for a, b in zip(ours, theirs, strict=True))
        note = f"scikit-learn {100 * fmean(theirs):.2f}, difference {difference:+.4f}"
        yield Row(f"`new` on {name}, {metric}, {len(splits)} splits", 100 * fmean(ours), "%", note=note)
    for name in PICTURES:
        scores = [picture_score(name, seed) for seed in range(min(turns, SEEDS))]
        note = f"{len(scores)} seeds, the lowest {100 * min(scores):.2f}"
        yield Row(f"{name}, accuracy", 100 * fmean(scores), "%", note=note)


def first_score(name: str, metric: str, seed: int) -> float:
    """Of what `deltaplan new` writes for a set, its split drawn by another seed."""
    text = starter_text(look_at(SPECS / f"{name}.csv"), SPECS / f"new_{name}.dl")
    experiment = deltaplan.loads(text, folder=SPECS)
    data = experiment.data
    assert data is not None, "a first spec has data"
    return score(replace(experiment, data=replace(data, split=replace(data.split, seed=seed))), metric)


def picture_score(name: str, seed: int) -> float:
    return score(deltaplan.load(SPECS / f"{name}.dl", params={"seed": seed}), "accuracy")


def score(experiment: Experiment, metric: str) -> float:
    run: Any = deltaplan.train(experiment, runs=None)
    return float(run.metrics["test"][metric])
