"""What `deltaplan new` writes is no worse than scikit-learn's MLP with its defaults, whose scores on the same
rows were recorded by reference/sklearn/record_defaults.py.

The bar: over the seeds 0 to 9 of the split, the mean difference is at least -0.005.
"""

import json
from statistics import fmean
from typing import Any

import pytest
from reference.sklearn.comparison import HERE, SEEDS, SPECS, digest
from reference.sklearn.first_specs import SETS, first_at

from deltaplan.runtime.data import load_dataset
from deltaplan.runtime.model import Model
from deltaplan.runtime.train import train

WORSE = 0.005


def recorded(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / "defaults.json").read_text())["sets"][name]
    return found


QUICK = ("digits", "iris")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.long) for name in SETS if name not in QUICK)]
)
def test_first_specs_score_as_scikit_learn_does(name: str) -> None:
    splits = recorded(name)
    assert [split["seed"] for split in splits] == list(SEEDS)
    differences = []
    for split in splits:
        experiment = first_at(name, split["seed"])
        dataset = load_dataset(experiment, SPECS)
        assert digest(dataset) == split["rows"]
        model = Model(experiment, train(experiment, dataset).theta, dataset.preprocessing)
        differences.append(model.score(dataset.parts["test"])[SETS[name]] - fmean(split["mlp"]))
    assert fmean(differences) >= -WORSE
