"""What one call does to train a spec once for each of many seeds."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.requirements import require
from deltaplan.runtime.seeds import Seeds
from deltaplan.runtime.seeds import train_seeds as train_each
from deltaplan.runtime.session import Params, Spec, dataset_of, experiment_of


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
    dataset = dataset_of(experiment, x, y) or load_dataset(experiment, Path())
    folder = None if runs is None else Path(runs)
    return train_each(experiment, dataset, chosen, runs=folder, threads=threads, backend=backend, done=done)
