"""Which monitored metrics the native loop follows by itself, and the numbers that it needs for them."""

from deltaplan.compiler.experiment import Experiment, Monitored
from deltaplan.compiler.links import decision_of
from deltaplan.compiler.loops.monitors import Monitor
from deltaplan.compiler.optimize import given
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import argument, substitute
from deltaplan.runtime.data.dataset import Dataset


def native_monitors(experiment: Experiment, dataset: Dataset) -> tuple[Monitor, ...] | None:
    """What is followed as sums over the samples; None where a metric is a function of arrays alone, or of an
    output with several sides: Python looks at every record then."""
    assert experiment.train is not None
    found = [_monitor(experiment, dataset, each) for each in experiment.train.monitor]
    return tuple(m for m in found if m is not None) if all(found) else None


def _monitor(experiment: Experiment, dataset: Dataset, monitored: Monitored) -> Monitor | None:
    contract, output = monitored.use.contract, monitored.output
    columns = dataset.preprocessing.targets[output]
    if len(experiment.graph.shapes[output]) != 1:
        return None
    values, decision = given(monitored.use), decision_of(experiment.graph, output)
    if isinstance(contract, contracts.Loss):
        total = argument("total", scalar=True) / argument("n", scalar=True)
        loss = {"total": substitute(contract.expression, values)}
        return Monitor(monitored.label, output, "loss", loss, total, columns.kind, decision)
    if not isinstance(contract, contracts.Metric) or contract.result is None or contract.of == "scores":
        return None
    sums = {name: substitute(e, values) for name, e in contract.sums.items()}
    result = substitute(contract.result, values)
    return Monitor(monitored.label, output, contract.of, sums, result, columns.kind, decision)
