"""A trained model in use: predictions and scores."""

from collections.abc import Mapping
from dataclasses import field
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.links import decision_of
from deltaplan.compiler.plans import Plan
from deltaplan.records import dataclass
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.dataset import Part
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.forward import Forward
from deltaplan.runtime.metrics import decided, fitting, measure, table
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.prepared import Prepared

PlanName = Literal["linked", "raw", "evaluate"]


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
    _forwards: dict[PlanName, Forward] = field(default_factory=dict, init=False, repr=False, compare=False)

    def predict(self, inputs: Any, backend: Backend | None = None) -> Any:
        """Predictions in the data's units: an array [N, outputs], or one for each output by its name.

        `inputs` is an array [N, features] in the data's units, a data frame or a mapping of columns that has
        those that were trained on, or one of these for each input by its name. What a loss on classes gives
        are probabilities; `decide` gives the classes. `backend` does the work; if None it is the native one
        where that is faster for so many samples. SpecError where the shape or the columns do not fit.
        """
        values = self.predict_columns(self._columns(inputs), backend)
        found = {name: np.ascontiguousarray(value.T) for name, value in values.items()}
        return found if len(found) > 1 else next(iter(found.values()))

    def decide(self, inputs: Any, backend: Backend | None = None) -> Any:
        """The class of each sample, by name where the data has names: [N], [N, columns] for several yes-or-no
        targets of one output, or one array for each output.

        ValueError if no output decides between classes.
        """
        raw = self.raw_columns(self._columns(inputs), backend)
        found = {
            name: self.classes(name, value) for name, value in raw.items() if self.decision(name) != "none"
        }
        if not found:
            raise ValueError("no output of this model decides between classes")
        return found if len(found) > 1 else next(iter(found.values()))

    def _columns(self, inputs: Any) -> Mapping[str, Array]:
        from deltaplan.runtime.data.memory import inputs_from_memory

        return inputs_from_memory(self.preprocessing, inputs)

    def predict_columns(self, x: Mapping[str, Array], backend: Backend | None = None) -> dict[str, Array]:
        """Prepared inputs [features, N] to predictions [outputs, N] by output, in the data's units."""
        return self.preprocessing.targets_back(self._run("linked", x, backend))

    def score(self, part: Part, backend: Backend | None = None) -> dict[str, float]:
        """Loss and metrics on prepared samples; a metric is named `output.metric` where there are several."""
        raw, losses = self._evaluated(part, backend)
        found: dict[str, float] = {}
        if losses is not None:
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

    def _evaluated(self, part: Part, backend: Backend | None) -> tuple[dict[str, Array], Array | None]:
        """What the model gives before links, [outputs, N] by output, and the loss of each sample."""
        forward = self._forward("evaluate")
        outputs, loss = forward.plan.trace.outputs, forward.plan.trace.sample_loss
        wanted = [*forward.plan.kept[: len(outputs)], *([] if loss is None else [loss])]
        values = forward(self.theta, arrays_of(part, self.theta.dtype), wanted, backend)
        raw = dict(zip(outputs, values, strict=False))
        return raw, None if loss is None else values[-1][0]

    def tables(self, part: Part, backend: Backend | None = None) -> dict[str, Table]:
        """The tables of metrics on prepared samples, named as in `score`: the confusion matrix of each output
        that decides between classes."""
        found: dict[str, Table] = {}
        raw = self.raw_columns(part.x, backend)
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

    def raw_columns(self, x: Mapping[str, Array], backend: Backend | None = None) -> dict[str, Array]:
        """What the model gives before links and decisions, [outputs, N] by output."""
        return self._run("raw", x, backend)

    def plan(self, linked: bool = True) -> Plan:
        """The plan of predictions, made when it is first asked for; each call has memory of its own."""
        return self._forward("linked" if linked else "raw").plan

    def _plan(self, name: PlanName) -> Plan:
        if self.prepared and name != "linked":
            return self.prepared.raw if name == "raw" else self.prepared.evaluate
        from deltaplan.compiler.plan import evaluate_plan, predict_plan

        graph = self.experiment.graph
        return evaluate_plan(graph) if name == "evaluate" else predict_plan(graph, linked=name == "linked")

    def _forward(self, name: PlanName) -> Forward:
        if name not in self._forwards:
            self._forwards[name] = Forward(self._plan(name))
        return self._forwards[name]

    def _run(self, name: PlanName, data: Mapping[str, Array], backend: Backend | None) -> dict[str, Array]:
        """The plan's outputs [outputs, N] for inputs [features, N]."""
        forward = self._forward(name)
        outputs = forward.plan.trace.outputs
        found = forward(self.theta, data, forward.plan.kept[: len(outputs)], backend)
        return dict(zip(outputs, found, strict=True))

    def _averages(self) -> bool:
        return self.experiment.train is None or self.experiment.train.average == "mean"
