"""Training runs on samples made up in memory."""

import numpy as np
from programs import experiment

from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.numpy_trainer import Trainer
from deltaplan.runtime.problem import Problem
from deltaplan.runtime.train import train

NET = ("input 1", "dense 5, 5 leaky_relu residual", "output 1")


def part(samples, seed=0, inputs=1, outputs=1):
    random = np.random.default_rng(seed)
    x = random.normal(size=(inputs, samples))
    y = np.sin(2 * x.sum(0, keepdims=True)) + np.arange(outputs)[:, None]
    return Part({"input": x}, {"output": y}, np.arange(samples))


def dataset(samples=10, validation=0, **shape):
    parts = {"train": part(samples, **shape)}
    if validation:
        parts["validation"] = part(validation, seed=1, **shape)
    return Dataset(parts, None)


def trained(*model, samples=10, validation=0, progress=None, data=None, backend=None, **options):
    """The outcome of training; without lines of a model, that of a small residual net."""
    spec = experiment(*(model or NET), **options)
    return train(spec, data or dataset(samples, validation), progress=progress, backend=backend)


def trainer(*model, samples=10, **options):
    spec = experiment(*(model or NET), **options)
    return Trainer(spec, dataset(samples), compile_plans(spec))


def problem(*model, samples=10, **options):
    given = part(samples)
    return Problem(experiment(*(model or NET), **options), given.x, given.y)


def parameters(*model):
    return place_parameters(experiment(*(model or NET)).graph)
