"""The lecture's nets, trained: one for each seed, all seeds of a spec as one program."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import deltaplan
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.lab.subject import Subject
from deltaplan.runtime.problem import Problem
from deltaplan.runtime.seeds import Seeds

SPECS = Path(__file__).parents[1] / "specs" / "lecture"
SEEDS = 32
Vector = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Trained:
    """A spec trained with `SEEDS` seeds: `theta` [seeds, size], its problem on the training part."""

    name: str
    seeds: Seeds
    dataset: Dataset
    problem: Problem

    @property
    def theta(self) -> Vector:
        return np.asarray(self.seeds.theta, np.float64)[:, : self.problem.size]

    @property
    def losses(self) -> Vector:
        return np.asarray(self.problem.loss(self.theta), np.float64)

    def subject(self, seed: int, name: str = "") -> Subject:
        """One of the nets, for the instruments of the laboratory."""
        whole = np.asarray(self.seeds.theta, np.float64)[seed]
        theta, statistics = whole[: self.problem.size], whole[self.problem.size :]
        return Subject(name or self.name, self.seeds.experiment, self.dataset, theta, statistics)

    def scores(self, part: str) -> list[dict[str, float]]:
        """Loss and metrics of each net on a part of the data."""
        samples = {**self.dataset.parts}[part]  # type: ignore[index]
        return [self.seeds.model(seed).score(samples) for seed in self.seeds.seeds]


@cache
def trained(spec: str, seeds: int = SEEDS, **params: Any) -> Trained:
    """The nets of specs/lecture/SPEC.dl with these params."""
    experiment = deltaplan.load(SPECS / f"{spec}.dl", params=params)
    found = deltaplan.train_seeds(experiment, seeds=range(seeds))
    dataset = load_dataset(experiment, Path())
    part = dataset.parts["train"]
    problem = Problem(experiment, part.x, part.y, dataset.preprocessing)
    return Trained(spec, found, dataset, problem)


@cache
def untrained(spec: str, **params: Any) -> tuple[Problem, Vector]:
    """The problem of specs/lecture/SPEC.dl, and the θ [seeds, size] that training would begin with."""
    experiment = deltaplan.load(SPECS / f"{spec}.dl", params=params)
    problem = deltaplan.problem(experiment)
    return problem, np.array([problem.initial(seed) for seed in range(SEEDS)])
