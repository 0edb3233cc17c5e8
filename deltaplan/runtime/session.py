"""What one call does: read a spec and its data, compile it, check it, solve it."""

import os
from collections.abc import Mapping
from typing import Any

from deltaplan.compiler.experiment import Experiment
from deltaplan.plugins.contracts import Value
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.opening import opened
from deltaplan.runtime.outcome import Backend, Progress
from deltaplan.runtime.prepared import Prepared
from deltaplan.runtime.requirements import require
from deltaplan.runtime.run import Run
from deltaplan.runtime.run import train as train_run

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
    x, y = samples_of(x, y)
    prepared = prepared_of(spec, params, x, y)
    experiment = prepared.experiment
    require(experiment, *(() if x is not None else ("data",)), "train", "minimize")
    dataset = dataset_of(experiment, x, y)
    if dataset is None and resume is not None and experiment is resume.experiment:
        dataset = resume.dataset()  # its spec lies in the run's folder, its data where they were
    return train_run(
        experiment,
        dataset,
        runs=runs,
        resume=resume,
        progress=progress,
        threads=threads,
        backend=backend,
        prepared=prepared,
    )


def prepared_of(spec: Spec, params: Params = None, x: Any = None, y: Any = None) -> Prepared:
    """The experiment with its plans; those of a file that is trained on its own data are kept."""
    if isinstance(spec, Experiment) or x is not None:
        return Prepared(experiment_of(spec, params, x, y))
    return opened(spec, params)


def experiment_of(spec: Spec, params: Params = None, x: Any = None, y: Any = None) -> Experiment:
    """The experiment itself, or that of a .dl file, which leaves what it does to the samples where they are
    given. ValueError for params of a spec that is built already."""
    if not isinstance(spec, Experiment):
        return _loaded(spec, params, x, y)
    if params:
        raise ValueError("params are given when a spec is loaded: `deltaplan.load(path, params=…)`")
    return spec


def _loaded(path: str | os.PathLike[str], params: Params, x: Any, y: Any) -> Experiment:
    from deltaplan.compiler.load import load
    from deltaplan.runtime.data.measuring import measure_memory
    from deltaplan.runtime.loading import measure

    return load(path, params, measure=measure if x is None else measure_memory(x, y))


def samples_of(x: Any, y: Any) -> tuple[Any, Any]:
    """The samples of a function or an iterator as arrays; others as they are."""
    if x is None:
        return x, y
    from deltaplan.runtime.data.generated import gathered, is_generated

    if not is_generated(x):
        return x, y
    if y is not None:
        raise ValueError("a generator gives x and y together")
    return gathered(x)


def dataset_of(experiment: Experiment, x: Any, y: Any) -> Dataset | None:
    """The data that were given; None where there are none."""
    if x is not None:
        from deltaplan.runtime.data.memory import dataset_from_memory

        return dataset_from_memory(experiment, x, y)
    if y is not None:
        raise ValueError("y is given without x")
    return None
