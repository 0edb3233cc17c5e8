"""What one call does: read the data of an experiment, compile it, check it, solve it."""

from pathlib import Path

from deltaplan.compiler.experiment import Experiment
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.gradcheck import Row, gradcheck
from deltaplan.runtime.initial import initial
from deltaplan.runtime.problem import Problem
from deltaplan.runtime.requirements import require
from deltaplan.runtime.trace import SampleTrace
from deltaplan.runtime.trace import trace as trace_sample


def problem(experiment: Experiment, dataset: Dataset | None = None) -> Problem:
    """The problem on the training part, as plain functions of θ."""
    require(experiment, "data", "minimize")
    part = (dataset or load_dataset(experiment, Path())).parts["train"]
    return Problem(experiment, part.x, part.y)


def check_gradients(experiment: Experiment, seed: int | None = None, samples: int = 32) -> tuple[Row, ...]:
    """The gradient check at the first parameters of the seed, on the first samples of the training part."""
    require(experiment, "data", "minimize")
    assert experiment.train is not None
    seed = experiment.train.seed if seed is None else seed
    part = load_dataset(experiment, Path()).parts["train"]
    data = {name: array[..., :samples] for name, array in arrays_of(part).items()}
    count = min(samples, len(part))
    scale = 1 / count if experiment.train.average == "mean" else 1.0
    return gradcheck(experiment.graph, initial(experiment.graph, seed), data, scale, seed)


def trace(experiment: Experiment, number: int | None = None) -> SampleTrace:
    """Sample `number` of the data, from 1, at the parameters that training begins with; the first sample of
    the training part if None."""
    require(experiment, "data")
    dataset = load_dataset(experiment, Path())
    theta = initial(experiment.graph, experiment.train.seed if experiment.train else 0)
    return trace_sample(experiment, theta, dataset, number)
