"""What `deltaplan new` writes for the sets that come with deltaplan, with other seeds of the split."""

from dataclasses import replace
from functools import cache

from reference.sklearn.comparison import SPECS

import deltaplan
from deltaplan.compiler.experiment import Experiment
from deltaplan.runtime.starter import look_at, starter_text

SETS = {
    "iris": "accuracy",
    "wine": "accuracy",
    "digits": "accuracy",
    "breast_cancer": "accuracy",
    "diabetes": "r2",
}


@cache
def first_spec(name: str) -> Experiment:
    return deltaplan.loads(starter_text(look_at(SPECS / f"{name}.csv"), SPECS / f"new_{name}.dl"))


def first_at(name: str, seed: int) -> Experiment:
    experiment = first_spec(name)
    data = experiment.data
    assert data is not None
    return replace(experiment, data=replace(data, split=replace(data.split, seed=seed)))
