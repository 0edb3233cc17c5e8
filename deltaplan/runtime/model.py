"""A trained model in use: predictions and scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.links import decision_of
from deltaplan.compiler.plans import Plan
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.dataset import Part
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.metrics import decided, fitting, measure, table
from deltaplan.runtime.prepared import Prepared
from deltaplan.runtime.threads import blas_threads

BLOCK = 1024  # samples that are predicted at once


@dataclass(frozen=True, slots=True)
class Table:
    """A metric for each pair of classes: by row the true one, by column the decided one."""

    classes: tuple[str, ...]
    values: Array

    def to_data(self) -> dict[str, Any]:
        return {"classes": list(self.classes), "values": self.values.tolist()}


@dataclass(frozen=True, slots=True)
class Model:
    """m(x; θ) with what its data went through. `theta` is the flat vector of parameters, with the running
    statistics of its layers behind them."""

    experiment: Experiment
    theta: Array
    preprocessing: Preprocessing
    prepared: Prepared | None = field(default=None, repr=False, compare=False)
    _plans: dict[str, Plan] = field(default_factory=dict, init=False, repr=False, compare=False)

    def predict(self, inputs: Any) -> Any:
        """Predictions in the data's units: an array [N, outputs], or one for each output by its name.

        `inputs` is an array [N, features] in the data's units, a data frame or a mapping of columns that has
        those that were trained on, or one of these for each input by its name. What a loss on classes gives
        are probabilities; `decide` gives the classes. SpecError where the shape or the columns do not fit.
        """
        values = self.predict_columns(self._columns(inputs))
        found = {name: np.ascontiguousarray(value.T) for name, value in values.items()}
        return found if len(found) > 1 else next(iter(found.values()))

    def decide(self, inputs: Any) -> Any:
        """The class of each sample, by name where the data has names: [N], [N, columns] for several yes-or-no
        targets of one output, or one array for each output.

        ValueError if no output decides between classes.
        """
        raw = self.raw_columns(self._columns(inputs))
        found = {
            name: self.classes(name, value) for name, value in raw.items() if self.decision(name) != "none"
        }
        if not found:
            raise ValueError("no output of this model decides between classes")
        return found if len(found) > 1 else next(iter(found.values()))

    def _columns(self, inputs: Any) -> Mapping[str, Array]:
        from deltaplan.runtime.data.memory import inputs_from_memory

        return inputs_from_memory(self.preprocessing, inputs)

    def predict_columns(self, x: Mapping[str, Array]) -> dict[str, Array]:
        """Prepared inputs [features, N] to predictions [outputs, N] by output, in the data's units."""
        plan = self.plan(linked=True)
        return self.preprocessing.targets_back(self._run(plan, x))

    def score(self, part: Part) -> dict[str, float]:
        """Loss and metrics on prepared samples; a metric is named `output.metric` where there are several."""
        plan, raw = self._evaluation(), self.raw_columns(part.x)
        found: dict[str, float] = {}
        if plan.trace.sample_loss is not None:
            losses = self._losses(plan, part)
            found["loss"] = float(losses.mean() if self._averages() else losses.sum())
        for name, value in raw.items():
            if name in part.y:
                columns, decision = self.preprocessing.targets[name], self.decision(name)
                own = {
                    metric.name: measure(metric, columns, decision, value, part.y[name])
                    for metric in fitting(columns.kind, decision)
                }
                found |= own if len(raw) == 1 else {f"{name}.{metric}": v for metric, v in own.items()}
        return found

    def tables(self, part: Part) -> dict[str, Table]:
        """The tables of metrics on prepared samples, named as in `score`: the confusion matrix of each output
        that decides between classes."""
        found: dict[str, Table] = {}
        raw = self.raw_columns(part.x)
        for name, value in raw.items():
            columns, decision = self.preprocessing.targets.get(name), self.decision(name)
            if columns is None or name not in part.y or (decision == "positive" and len(value) > 1):
                continue
            for metric in fitting(columns.kind, decision, "table"):
                label = metric.name if len(raw) == 1 else f"{name}.{metric.name}"
                classes = columns.classes or tuple(str(i) for i in range(max(len(value), 2)))
                found[label] = Table(classes, table(metric, columns, decision, value, part.y[name]))
        return found

    def decision(self, output: str) -> str:
        """How the output's loss decides: `argmax`, `positive` or `none`."""
        return decision_of(self.experiment.graph, output)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the output nodes."""
        return tuple(node.name for node in self.experiment.graph.outputs)

    def target_names(self, output: str) -> tuple[str, ...]:
        """What an output predicts: the columns, or its own name where the data has none. A column of several
        numbers is counted: `y[1]`, `y[2]`."""
        target = self.preprocessing.targets.get(output)
        names = target.names if target else (output,)
        count = prod(self.experiment.graph.shapes[output])
        if len(names) == count or self.decision(output) == "argmax":
            return names
        return tuple(f"{names[0] if len(names) == 1 else output}[{i + 1}]" for i in range(count))

    def class_names(self, output: str, count: int) -> tuple[str, ...]:
        """Names for `count` probabilities: the classes, for a single one the second class, and for several
        of yes or no their targets."""
        target = self.preprocessing.targets.get(output)
        if count > 1 and self.decision(output) == "positive":
            return self.target_names(output)
        names = target.classes if target and target.classes else tuple(str(i) for i in range(max(count, 2)))
        return names if count > 1 else names[1:2]

    def classes(self, output: str, values: Array) -> NDArray[Any]:
        """The class of each sample, [N], from what the model gives before the link, [outputs, N]; several
        answers of yes or no are [N, outputs]."""
        target = self.preprocessing.targets.get(output)
        chosen = decided(self.decision(output), values)
        if chosen.ndim > 1:
            chosen = chosen[0] if len(chosen) == 1 else np.ascontiguousarray(chosen.T)
        return np.array(target.classes)[chosen] if target and target.classes else chosen

    def raw_columns(self, x: Mapping[str, Array]) -> dict[str, Array]:
        """What the model gives before links and decisions, [outputs, N] by output."""
        return self._run(self.plan(linked=False), x)

    def plan(self, linked: bool = True) -> Plan:
        """The plan of predictions, made when it is first asked for; each call has memory of its own."""
        name = "linked" if linked else "raw"
        if name not in self._plans:
            self._plans[name] = self._prediction(linked)
        return self._plans[name]

    def _prediction(self, linked: bool) -> Plan:
        if self.prepared and not linked:
            return self.prepared.raw
        from deltaplan.compiler.plan import predict_plan

        return predict_plan(self.experiment.graph, linked=linked)

    def _evaluation(self) -> Plan:
        """The plan of outputs and losses."""
        if self.prepared:
            return self.prepared.evaluate
        from deltaplan.compiler.plan import evaluate_plan

        return evaluate_plan(self.experiment.graph)

    def _run(self, plan: Plan, x: Mapping[str, Array]) -> dict[str, Array]:
        """The plan's outputs [outputs, N] for inputs [features, N], a block of samples at a time."""
        count = next(iter(x.values())).shape[-1]
        wanted = plan.kept[: len(plan.trace.outputs)]
        parts: list[list[Array]] = [[] for _ in wanted]
        if not count:
            return {name: np.zeros((t.size, 0)) for name, t in plan.trace.outputs.items()}
        with np.errstate(all="ignore"), blas_threads():
            for begin, bound in self._blocks(plan, count):
                for name, array in bound.data.items():
                    np.copyto(array, x[name][..., begin : begin + array.shape[-1]])
                bound.run()
                for found, tensor in zip(parts, wanted, strict=True):
                    found.append(bound[tensor].reshape(tensor.size, -1).astype(np.float64))
        return dict(zip(plan.trace.outputs, (np.concatenate(p, axis=-1) for p in parts), strict=True))

    def _blocks(self, plan: Plan, count: int) -> Any:
        vectors = {"θ": self.theta}
        whole = bind(plan, vectors, BLOCK) if count > BLOCK else None
        for begin in range(0, count, BLOCK):
            size = min(BLOCK, count - begin)
            yield begin, whole if whole and size == BLOCK else bind(plan, vectors, size)

    def _losses(self, plan: Plan, part: Part) -> Array:
        """The loss of each sample, a block of them at a time."""
        assert plan.trace.sample_loss is not None
        data, found = arrays_of(part, self.theta.dtype), []
        with np.errstate(all="ignore"), blas_threads():
            for begin, bound in self._blocks(plan, len(part)):
                for name, array in bound.data.items():
                    np.copyto(array, data[name][..., begin : begin + array.shape[-1]])
                bound.run()
                found.append(bound[plan.trace.sample_loss].astype(np.float64))
        return np.concatenate(found)

    def _averages(self) -> bool:
        return self.experiment.train is None or self.experiment.train.average == "mean"
