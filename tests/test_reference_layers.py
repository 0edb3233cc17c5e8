"""Every layer against values and gradients recorded in float64 PyTorch (tests/reference/layers)."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.parameters import place_statistics
from deltaplan.compiler.plan import train_plan
from deltaplan.plugins.loader import builtin_registry
from deltaplan.runtime.backends.numpy.bind import bind, target_key
from deltaplan.runtime.initial import with_statistics
from deltaplan.runtime.problem import Problem

HERE = Path(__file__).parent / "reference" / "layers"
CASES = sorted(HERE.glob("*.dl"))
ELSEWHERE = {"sparse", "dropout", "noise", "identity"}  # random, or nothing: compared by hand


class Recorded:
    """A recorded model: the problem and θ."""

    def __init__(self, path):
        self.record = np.load(path.with_suffix(".npz"))
        self.experiment = deltaplan.load(path)
        (source,), (output,) = ({n.name for n in nodes} for nodes in self.nodes())
        x, y = (np.ascontiguousarray(self.record[key].T) for key in "xy")
        self.data = {source: x}, {output: y}
        self.problem = Problem(self.experiment, *self.data)
        self.theta = np.empty(self.problem.size)
        for name, block in self.problem.split(self.theta).items():
            block[...] = self.record[f"value {name}"]

    def nodes(self):
        graph = self.experiment.graph
        return [n for n in graph if type(n).__name__ == "Input"], graph.outputs

    def close(self, found, key):
        expected = self.record[key]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max() + 1e-14)


def is_trained(path):
    return any(key.startswith("before") for key in np.load(path.with_suffix(".npz")))


@pytest.mark.parametrize("path", [p for p in CASES if is_trained(p)], ids=lambda path: path.stem)
def test_recorded_steps_with_running_statistics(path):
    """A step of training, the running statistics after it, and predictions by those of before."""
    recorded = Recorded(path)
    record, graph, problem = recorded.record, recorded.experiment.graph, recorded.problem
    vector = with_statistics(graph, recorded.theta)
    statistics = place_statistics(graph)
    for s in statistics:
        vector[s.offset : s.end] = record[f"before {s.name}"]
    other = Problem(recorded.experiment, *recorded.data, statistics=vector[problem.size :])
    recorded.close(other.outputs(recorded.theta), "predicted")
    gradient, plan = np.zeros(problem.size), train_plan(graph)
    data = recorded.data[0] | {target_key(name): y for name, y in recorded.data[1].items()}
    bound = bind(plan, {"θ": vector, "g": gradient}, len(record["x"]), data)
    bound.scale[...] = 1 / len(record["x"])
    bound.run()
    recorded.close(bound[plan.trace.sample_loss].mean(), "loss")
    recorded.close(bound[plan.trace.objective], "objective")
    for name, slope in problem.split(gradient).items():
        recorded.close(slope, f"gradient {name}")
    for s in statistics:
        recorded.close(vector[s.offset : s.end], f"after {s.name}")


@pytest.mark.parametrize("path", [p for p in CASES if not is_trained(p)], ids=lambda path: path.stem)
def test_recorded_layers(path):
    recorded = Recorded(path)
    problem, theta = recorded.problem, recorded.theta
    names = {key.partition(" ")[2] for key in recorded.record if key.startswith("value")}
    assert names == {p.name for p in problem.parameters}
    recorded.close(problem.outputs(theta), "outputs")
    recorded.close(problem.loss(theta), "loss")
    recorded.close(problem.objective(theta), "objective")
    for name, slope in problem.split(problem.objective_grad(theta)).items():
        recorded.close(slope, f"gradient {name}")


def test_every_layer_is_recorded():
    used = {n.use.name for path in CASES for n in deltaplan.load(path).graph.layers}
    assert used | ELSEWHERE == set(builtin_registry().names("layer"))
