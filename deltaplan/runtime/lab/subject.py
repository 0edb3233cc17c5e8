"""A run or a spec as an analysis sees it: what `plugins.api.Subject` promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.plan import predict_plan
from deltaplan.diagnostics import SpecError
from deltaplan.plugins.contracts import Unfit
from deltaplan.plugins.examining import Gain, Node, Slopes
from deltaplan.runtime.data.dataset import Dataset, Part, PartName
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.first import first
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.lab.bends import Net
from deltaplan.runtime.lab.nodes import nodes_of
from deltaplan.runtime.lab.pieces import Line, Pieces, pieces
from deltaplan.runtime.lab.regions import Regions, regions
from deltaplan.runtime.lab.stages import Stages
from deltaplan.runtime.lipschitz.measure import gains, measure
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
    def classes(self) -> tuple[str, ...]:
        """The names of the classes of the first output; none where it has numbers."""
        return tuple(map(str, next(iter(self.dataset.preprocessing.targets.values())).classes))

    @cached_property
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
        whole = self.dataset.parts[_part_name(self, part)]
        samples = len(whole) if samples is None else min(samples, len(whole))
        if (part, samples) not in self._problems:
            own, scaling = _spread(whole, samples), self.dataset.preprocessing
            self._problems[part, samples] = Problem(self.experiment, own.x, own.y, scaling, self.statistics)
        return self._problems[part, samples]

    @property
    def slopes(self) -> Slopes:
        """How steep the net is on the training part."""
        return measure(self.experiment.graph, self._vector, self.dataset.parts["train"].x)

    def gains(self, theta: Vector) -> dict[str, Gain]:
        """How much each node can enlarge what flows through it at θ, by names."""
        vector = np.concatenate([theta, self.statistics])
        return gains(self.experiment.graph, vector, self.dataset.parts["train"].x)

    @property
    def inputs(self) -> tuple[str, ...]:
        """A label for each number that the model takes, the inputs one after the other."""
        columns = self.dataset.preprocessing.inputs.values()
        return tuple(label for column in columns for label in column.labels)

    @property
    def targets(self) -> tuple[str, ...]:
        """A name for each target column."""
        return tuple(name for target in self.dataset.preprocessing.targets.values() for name in target.names)

    def samples(self, part: str = "train") -> tuple[Vector, Vector]:
        """The samples of a part in the data's units: x [N, features], y [N, targets]; a class is a number."""
        scaling, samples = self.dataset.preprocessing, self.dataset.parts[_part_name(self, part)]
        x = [scaling.inputs[name].scaling.undo(rows) for name, rows in samples.x.items()]
        y = [
            scaling.targets[name].scaling.undo(rows) if scaling.targets[name].kind == "real" else rows
            for name, rows in samples.y.items()
        ]
        return np.concatenate(x).T, np.concatenate([np.atleast_2d(rows) for rows in y]).T.astype(np.float64)

    def outputs(self, x: Vector) -> Vector:
        """What the model gives before the loss's link, [N, outputs], for x [N, features]; x and the outputs
        of real targets in the data's units."""
        return self._in_units(self._net.outputs(self._model_rows(x)))

    def pieces(self, begin: Vector, end: Vector) -> Pieces:
        """The affine pieces of the outputs along the line from x = begin to x = end, both [features] in the
        data's units; `places` run from 0 to 1. Unfit where the net is not piecewise affine."""
        found = pieces(self._stages, Line(*(self._model_rows(x[None]) for x in (begin, end))))
        return replace(found, outputs=self._in_units(found.outputs))

    def affine(self) -> tuple[Vector, Vector]:
        """W [outputs, features] and b [outputs] of a net of affine maps alone, in the data's units. Unfit
        where an activation bends or is curved."""
        if bends := self._net.bends:
            raise Unfit(f"is for affine nets, and `{bends[0].node}` bends", "`identity` is affine")
        points = np.vstack([np.zeros(len(self.inputs)), np.eye(len(self.inputs))])
        bias, *columns = self.outputs(points)
        return np.stack([column - bias for column in columns], axis=1), bias

    def regions(self, low: Vector, high: Vector) -> Regions:
        """The regions of a net of two inputs in which it is affine, between the corners low and high [2] of a
        box, in the data's units. Unfit where the net is not piecewise affine."""
        low_rows, high_rows = self._model_rows(low[None]), self._model_rows(high[None])
        box = {name: (low_rows[name][:, 0], high_rows[name][:, 0]) for name in low_rows}
        found = regions(self._net, box)
        (column,) = self.dataset.preprocessing.inputs.values()
        polygons = tuple(column.scaling.undo(corners.T).T for corners in found.polygons)
        return replace(found, polygons=polygons)

    @cached_property
    def _stages(self) -> Stages:
        return Stages(self._net.plan, self._vector)

    @cached_property
    def _net(self) -> Net:
        return Net(predict_plan(self.experiment.graph, fused=False, linked=False), self._vector)

    @property
    def _vector(self) -> Vector:
        return np.concatenate([self.theta, self.statistics])

    def _model_rows(self, x: Vector) -> dict[str, Vector]:
        """Samples [N, features] in the data's units as the model's inputs, [features, N] each."""
        columns = self.dataset.preprocessing.inputs
        ends = np.cumsum([column.size for column in columns.values()])
        parts = np.split(np.asarray(x, np.float64).T, ends[:-1])
        return {
            name: column.scaling.apply(part)
            for (name, column), part in zip(columns.items(), parts, strict=True)
        }

    def _in_units(self, outputs: Vector) -> Vector:
        """Outputs [N, outputs] of one real target in the data's units; others as they are."""
        targets = list(self.dataset.preprocessing.targets.values())
        if len(targets) != 1 or targets[0].kind != "real":
            return np.ascontiguousarray(outputs)
        return np.ascontiguousarray(targets[0].scaling.undo(outputs.T).T)

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


def _part_name(subject: Subject, part: str) -> PartName:
    for name in subject.dataset.parts:
        if name == part:
            return name
    raise SpecError(NoSuchPart(part=part, parts=", ".join(f"`{name}`" for name in subject.parts)))


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
