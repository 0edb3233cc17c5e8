"""What deltaplan is compared with scikit-learn on: a spec, a seed of its split, what both are given."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import deltaplan
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Activate, Penalty
from deltaplan.runtime.data import Dataset

HERE = Path(__file__).parent
SPECS = HERE.parents[2] / "specs"
METRICS = {"iris": "accuracy", "wine": "accuracy", "digits": "accuracy", "diabetes": "r2"}
SEEDS = range(10)


def experiment_at(name: str, seed: int) -> Experiment:
    """The spec with another seed of the split."""
    experiment = deltaplan.load(SPECS / f"{name}.dl")
    data = experiment.data
    assert data is not None
    return replace(experiment, data=replace(data, split=replace(data.split, seed=seed)))


def settings(name: str) -> dict[str, Any]:
    """The spec as arguments of scikit-learn's MLP, which are also recorded, so that a spec that has changed
    is not compared with old scores. Its alpha is our λ times the batch: it divides the penalty by the batch.
    """
    experiment = experiment_at(name, 0)
    graph, train = experiment.graph, experiment.train
    assert train is not None
    (activation,) = {node.use.name for node in graph.of(Activate)}
    (penalty,) = graph.of(Penalty)
    batch, strength = int(train.batch or 0), float(str(penalty.use.values["strength"]))
    return {
        "hidden_layer_sizes": [node.use.values["width"] for node in graph.layers[:-1]],
        "activation": activation,
        "solver": train.optimizer.name,
        "learning_rate_init": train.optimizer.values["lr"],
        "batch_size": batch,
        "max_iter": train.length,
        "alpha": round(strength * batch, 9),
    }


def digest(dataset: Dataset) -> str:
    """Of the rows of each part, so that scores are compared on the same samples."""
    text = "; ".join(f"{name}: {part.rows.tolist()}" for name, part in dataset.parts.items())
    return hashlib.sha256(text.encode()).hexdigest()
