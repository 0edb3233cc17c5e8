"""A run or a spec as an analysis sees it: what `plugins.api.Subject` promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.diagnostics import SpecError
from deltaplan.plugins.examining import Node, Slopes
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.first import first
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.lab.nodes import nodes_of
from deltaplan.runtime.lipschitz.measure import measure
from deltaplan.runtime.problem import Problem, Vector
from deltaplan.runtime.recorded import Recorded
from deltaplan.runtime.requirements import require
from deltaplan.runtime.run import NoSuchPart, Run, name_of
from deltaplan.runtime.session import dataset_of


@dataclass(frozen=True)
class Subject:
    """θ [size] in float64 with the problem it belongs to. `run` is None for a spec, whose θ is that which
    training begins with."""

    name: str
    experiment: Experiment
    dataset: Dataset
    theta: Vector
    statistics: Vector
    run: Run | None = None
    _problems: dict[tuple[str, int], Problem] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def trained(self) -> bool:
        return self.run is not None

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.dataset.parts)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the model, each after its arguments."""
        return nodes_of(self.experiment.graph)

    @property
    def problem(self) -> Problem:
        """The problem on the training part."""
        return self.problem_on("train")

    @property
    def first(self) -> Vector:
        """The θ [size] that training begins with."""
        if self.run is None:
            return self.theta
        way = self.recorded
        if way is not None and len(way.steps) and way.steps[0] == 0:
            return np.asarray(way.theta[0], np.float64)
        return first(self.experiment)[: self.theta.size]

    def problem_on(self, part: str, samples: int | None = None) -> Problem:
        """The problem on one part of the data, or on so many of its samples, spread evenly. SpecError where
        there is none of that name."""
        parts: dict[str, Part] = dict(self.dataset.parts.items())
        if part not in parts:
            raise SpecError(NoSuchPart(part=part, parts=", ".join(f"`{name}`" for name in parts)))
        if samples is None or samples >= len(parts[part]):
            samples = len(parts[part])
        if (part, samples) not in self._problems:
            own, scaling = _spread(parts[part], samples), self.dataset.preprocessing
            self._problems[part, samples] = Problem(self.experiment, own.x, own.y, scaling, self.statistics)
        return self._problems[part, samples]

    @property
    def slopes(self) -> Slopes:
        """How steep the net is on the training part."""
        vector = np.concatenate([self.theta, self.statistics])
        return measure(self.experiment.graph, vector, self.dataset.parts["train"].x)

    @property
    def history(self) -> Sequence[Mapping[str, Any]]:
        return self.run.history if self.run else ()

    @property
    def recorded(self) -> Recorded | None:
        return self.run.recorded if self.run else None


def _spread(part: Part, samples: int) -> Part:
    """So many of the samples."""
    if samples == len(part):
        return part
    places = np.linspace(0, len(part) - 1, samples).round().astype(int)
    x, y = ({name: values[..., places] for name, values in of.items()} for of in (part.x, part.y))
    return Part(x, y, part.rows[places])


def subject_of_run(run: Run, x: Any = None, y: Any = None) -> Subject:
    """A run on its own data, read again, or on those given."""
    require(run.experiment, "minimize")
    dataset = dataset_of(run.experiment, x, y) or run.dataset()
    name = run.folder.name if run.folder else run.saved.name
    theta, statistics = (np.asarray(v, np.float64) for v in (run.theta, run.statistics))
    return Subject(name, run.experiment, dataset, theta, statistics, run)


def subject_of_spec(experiment: Experiment, seed: int | None = None, x: Any = None, y: Any = None) -> Subject:
    """A spec at the first parameters of the seed, by default its own."""
    require(experiment, *(() if x is not None else ("data",)), "minimize")
    dataset = dataset_of(experiment, x, y) or load_dataset(experiment, Path())
    own = experiment.train.seed if experiment.train else 0
    theta = initial(experiment.graph, own if seed is None else seed)
    whole = with_statistics(experiment.graph, theta)
    return Subject(name_of(experiment), experiment, dataset, theta, whole[theta.size :])
