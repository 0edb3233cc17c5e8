"""What training looks at besides its own loss: metrics on the validation part, and the best so far."""

import numpy as np

from deltaplan.compiler.experiment import Experiment, Monitored, TrainSpec
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.links import decision_of
from deltaplan.compiler.nodes import Use
from deltaplan.compiler.optimize import given
from deltaplan.compiler.plans import Plan
from deltaplan.compiler.steps import Tensor
from deltaplan.compiler.writing import StepWriter
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import substitute
from deltaplan.runtime.arrays import FLOAT64, arrays_of
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import Program
from deltaplan.runtime.data.dataset import Dataset, Part, PartName
from deltaplan.runtime.metrics import measure


class Watch:
    """The loss and the monitored metrics of θ on the validation part; without one, the metrics on the
    training part."""

    def __init__(self, experiment: Experiment, dataset: Dataset, plan: Plan, theta: Array) -> None:
        assert experiment.train is not None
        self._spec: TrainSpec = experiment.train
        self._graph: Graph = experiment.graph
        self.part_name: PartName = "validation" if "validation" in dataset.parts else "train"
        self._part: Part = dataset.parts[self.part_name]
        self._dataset = dataset
        data = arrays_of(self._part, theta.dtype)
        self._bound: Bound = bind(plan, {"θ": theta}, len(self._part), data)

    @property
    def needed(self) -> bool:
        return self.part_name == "validation" or bool(self._spec.monitor)

    def look(self) -> dict[str, float]:
        """`loss` where there is a validation part, and each monitored metric by its label."""
        if not self.needed:
            return {}
        self._bound.run()
        found = {"loss": self._loss()} if self.part_name == "validation" else {}
        return found | {each.label: self._measured(each) for each in self._spec.monitor}

    def _loss(self) -> float:
        tensor = self._bound.plan.trace.sample_loss
        assert tensor is not None
        losses = self._bound[tensor]
        return float(losses.mean() if self._spec.average == "mean" else losses.sum())

    def _measured(self, monitored: Monitored) -> float:
        tensor = self._bound.plan.trace.outputs[monitored.output]
        outputs = self._bound[tensor].reshape(tensor.size, -1).astype(np.float64)
        columns = self._dataset.preprocessing.targets[monitored.output]
        target = self._part.y[monitored.output]
        contract = monitored.use.contract
        if isinstance(contract, contracts.Metric):
            return measure(contract, columns, decision_of(self._graph, monitored.output), outputs, target)
        real = columns.kind == "real"
        values = (columns.scaling.undo(outputs), columns.scaling.undo(target)) if real else (outputs, target)
        return mean_loss(monitored.use, *values)


def mean_loss(use: Use, outputs: Array, target: Array) -> float:
    """The mean of a loss over samples: outputs [features, N], targets alike or classes [N]."""
    contract = use.contract
    assert isinstance(contract, contracts.Loss)
    u = Tensor("u", outputs.shape[:1], batched=True)
    y = Tensor("y", target.shape[:-1], batched=True, kind="index" if contract.target == "class" else "real")
    writer = StepWriter()
    out = writer.reduced("ℓ", substitute(contract.expression, given(use)), {"u": u, "y": y}, u.size)
    external = {u: np.ascontiguousarray(outputs), y: np.ascontiguousarray(target)}
    program = Program(writer.steps, external, [out], outputs.shape[-1], FLOAT64)
    program.run()
    return float(program[out].mean())
