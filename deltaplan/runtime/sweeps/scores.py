"""Loss and metrics of many θ of one spec, on all parts of the data."""

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.links import decision_of
from deltaplan.compiler.plan import evaluate_plan
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.forward import BLOCK
from deltaplan.runtime.metrics import fitting, measure
from deltaplan.runtime.model import Model
from deltaplan.runtime.threads import blas_threads

Scores = dict[str, float]  # `train_loss`, `validation_accuracy`


class Scorer:
    """What `Model.score` gives, for many θ: where samples are few, the memory is bound once."""

    def __init__(self, experiment: Experiment, dataset: Dataset, theta: Array) -> None:
        self._experiment, self._dataset = experiment, dataset
        self._vector = theta.copy()
        plan = evaluate_plan(experiment.graph)
        self._bound = {
            name: bind(plan, {"θ": self._vector}, len(part), arrays_of(part, theta.dtype))
            for name, part in dataset.parts.items()
            if 0 < len(part) <= BLOCK
        }

    def __call__(self, theta: Array) -> Scores:
        self._vector[:] = theta
        found: Scores = {}
        for name, part in self._dataset.parts.items():
            own = self._few(self._bound[name], part) if name in self._bound else self._many(theta, part)
            found |= {f"{name}_{metric}": value for metric, value in own.items()}
        return found

    def _many(self, theta: Array, part: Part) -> Scores:
        return Model(self._experiment, theta, self._dataset.preprocessing).score(part)

    def _few(self, bound: Bound, part: Part) -> Scores:
        with np.errstate(all="ignore"), blas_threads():
            bound.run()
        trace, train = bound.plan.trace, self._experiment.train
        assert trace.sample_loss is not None
        assert train is not None
        losses = bound[trace.sample_loss].astype(np.float64)
        found = {"loss": float(losses.mean() if train.average == "mean" else losses.sum())}
        for output, tensor in trace.outputs.items():
            if output in part.y:
                values = bound[tensor].reshape(tensor.size, -1).astype(np.float64)
                own = self._metrics(output, values, part.y[output])
                alone = len(trace.outputs) == 1
                found |= own if alone else {f"{output}.{name}": value for name, value in own.items()}
        return found

    def _metrics(self, output: str, values: Array, target: Array) -> Scores:
        columns = self._dataset.preprocessing.targets[output]
        decision = decision_of(self._experiment.graph, output)
        metrics = fitting(columns.kind, decision)
        return {metric.name: measure(metric, columns, decision, values, target) for metric in metrics}
