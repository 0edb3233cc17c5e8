"""Models for tests of C files, and their samples as a program would have them."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

import deltaplan
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.first import first
from deltaplan.runtime.model import Model

FOLDER = Path(__file__).parents[1] / "specs"
SPECS = sorted(path for path in FOLDER.rglob("*.dl") if path.parent.name != "networks")  # whose data are here
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}


def close(found, wanted, precision):
    """Equal up to the tolerance of the largest number."""
    most = np.abs(wanted).max(initial=1e-30)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE[precision] * most)


@cache
def loaded(path):
    """The data of a spec, read once."""
    return load_dataset(deltaplan.load(path), Path())


def model_of(experiment, precision, dataset=None):
    """A model whose parameters are all different from each other, biases among them."""
    prepared = (dataset or load_dataset(experiment, Path())).preprocessing
    theta = first(experiment)
    theta = theta + np.random.default_rng(5).normal(size=len(theta)) * 0.1
    return Model(experiment, theta.astype(precision), prepared)


def raw_inputs(model, dataset, count=None, part="train"):
    """Samples in the data's units, numbers of the model's precision: [numbers, samples] by input."""
    return {
        name: columns.scaling.undo(dataset.parts[part].x[name][:, :count])
        .astype(model.theta.dtype)
        .astype(np.float64)
        for name, columns in model.preprocessing.inputs.items()
    }


def scaled(model, raw):
    return {name: model.preprocessing.inputs[name].scaling.apply(x) for name, x in raw.items()}


def with_precision(experiment, precision):
    """The experiment trained in another precision."""
    return replace(experiment, train=replace(experiment.train, precision=precision))
