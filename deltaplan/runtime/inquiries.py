"""What one call does with a spec that is not trained: its plans, its problem, a check, a trace."""

from pathlib import Path
from typing import Any

from deltaplan.compiler.compiled import Compiled, compiled
from deltaplan.compiler.experiment import Experiment
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.gradcheck import Row, gradcheck
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.problem import Problem
from deltaplan.runtime.requirements import require
from deltaplan.runtime.session import Params, Spec, dataset_of, experiment_of, samples_of
from deltaplan.runtime.trace import SampleTrace
from deltaplan.runtime.trace import trace as trace_sample


def compile_(spec: Spec, *, params: Params = None, fused: bool = True) -> Compiled:
    """The plans of a spec: `train`, `evaluate`, `predict` and `update`. They print as the recursions.

    Without `fused` every step of the graph stays a step of its own.
    """
    return compiled(experiment_of(spec, params), fused)


def problem(
    spec: Spec, x: Any = None, y: Any = None, *, params: Params = None, statistics: Any = None
) -> Problem:
    """minimize loss(θ) + Ω(θ) as plain functions of θ, on the training part of the spec's data or of those
    given as for `train`. `statistics` are those of a run (`Run.statistics`), where layers keep some; they are
    constants of the problem, by default what training begins with."""
    x, y = samples_of(x, y)
    experiment = experiment_of(spec, params, x, y)
    require(experiment, *(() if x is not None else ("data",)), "minimize")
    dataset = dataset_of(experiment, x, y) or load_dataset(experiment, Path())
    part = dataset.parts["train"]
    return Problem(experiment, part.x, part.y, dataset.preprocessing, statistics)


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
    return trace_sample(experiment, with_statistics(experiment.graph, theta), dataset, number)
