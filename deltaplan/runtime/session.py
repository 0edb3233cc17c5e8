"""What one call does: read a spec and its data, compile it, check it, solve it."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from deltaplan.compiler import load as compiler
from deltaplan.compiler.compiled import Compiled, compiled
from deltaplan.compiler.experiment import Experiment
from deltaplan.plugins.contracts import Value
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.generated import gathered, is_generated
from deltaplan.runtime.data.measuring import measure_memory
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.gradcheck import Row, gradcheck
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.loading import measure
from deltaplan.runtime.outcome import Backend, Progress
from deltaplan.runtime.problem import Problem
from deltaplan.runtime.requirements import require
from deltaplan.runtime.run import Run
from deltaplan.runtime.run import train as train_run
from deltaplan.runtime.seeds import Seeds
from deltaplan.runtime.seeds import train_seeds as train_each
from deltaplan.runtime.trace import SampleTrace
from deltaplan.runtime.trace import trace as trace_sample

Spec = Experiment | str | os.PathLike[str]
Params = Mapping[str, Value] | None


def train(
    spec: Spec,
    x: Any = None,
    y: Any = None,
    *,
    params: Params = None,
    runs: str | os.PathLike[str] | None = None,
    resume: Run | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
    backend: Backend | None = None,
) -> Run:
    """Trains a spec, an experiment or the path of a .dl file, on the data that it names or on those given.

    `x` are inputs [N, features]: an array, lists, a data frame, a mapping of columns, or one of these for
    each input by its name; or a function or an iterator that gives pairs (x, y), of samples or of batches,
    until it ends. `y` are targets [N, outputs], or [N]: numbers or class labels. The spec's split
    and scaling hold for them; a spec without a `data` block trains on all rows. Nothing is written unless
    `runs` names a folder, in which the run gets a new one (`Run.save` does it later). `params` are for a
    path; `resume` is a run to go on from; `progress` is called with each record of the history. `backend`
    is `native` or `numpy`; if None the native one, or numpy, with a warning, where that cannot be had.
    `threads` are chosen if None; on the native backend no bits depend on them.

    Raises SpecError where the spec is wrong or the data do not fit it. Divergence and Ctrl-C end training
    early: `Run.ended` tells.
    """
    x, y = _gathered(x, y)
    experiment = experiment_of(spec, params, x, y)
    require(experiment, *(() if x is not None else ("data",)), "train", "minimize")
    dataset = _dataset(experiment, x, y)
    if dataset is None and resume is not None and experiment is resume.experiment:
        dataset = resume.dataset()  # its spec lies in the run's folder, its data where they were
    return train_run(
        experiment, dataset, runs=runs, resume=resume, progress=progress, threads=threads, backend=backend
    )


def train_seeds(
    spec: Spec,
    x: Any = None,
    y: Any = None,
    *,
    seeds: Iterable[int],
    params: Params = None,
    runs: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    backend: Backend | None = None,
    done: Callable[[int], None] = lambda count: None,
) -> Seeds:
    """Trains a spec once for each seed: `run.theta` [seeds, size], `run.table`, `run.model(seed)`. Many small
    nets are trained at once, and each is the net that the spec with that seed gives by itself.

    The arguments are those of `train`; `done` hears of how many more nets are trained. ValueError without
    seeds.
    """
    experiment, chosen = experiment_of(spec, params), tuple(seeds)
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError("seeds are different whole numbers, one at least")
    require(experiment, *(() if x is not None else ("data",)), "train", "minimize")
    dataset = _dataset(experiment, x, y) or load_dataset(experiment, Path())
    folder = None if runs is None else Path(runs)
    return train_each(experiment, dataset, chosen, runs=folder, threads=threads, backend=backend, done=done)


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
    x, y = _gathered(x, y)
    experiment = experiment_of(spec, params, x, y)
    require(experiment, *(() if x is not None else ("data",)), "minimize")
    dataset = _dataset(experiment, x, y) or load_dataset(experiment, Path())
    part = dataset.parts["train"]
    return Problem(experiment, part.x, part.y, dataset.preprocessing, statistics)


def experiment_of(spec: Spec, params: Params = None, x: Any = None, y: Any = None) -> Experiment:
    """The experiment itself, or that of a .dl file, which leaves what it does to the samples where they are
    given. ValueError for params of a spec that is built already."""
    if not isinstance(spec, Experiment):
        return compiler.load(spec, params, measure=measure if x is None else measure_memory(x, y))
    if params:
        raise ValueError("params are given when a spec is loaded: `deltaplan.load(path, params=…)`")
    return spec


def _gathered(x: Any, y: Any) -> tuple[Any, Any]:
    """The samples of a function or an iterator as arrays; others as they are."""
    if not is_generated(x):
        return x, y
    if y is not None:
        raise ValueError("a generator gives x and y together")
    return gathered(x)


def _dataset(experiment: Experiment, x: Any, y: Any) -> Dataset | None:
    """The data that were given; None where there are none."""
    if x is not None:
        return dataset_from_memory(experiment, x, y)
    if y is not None:
        raise ValueError("y is given without x")
    return None


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
