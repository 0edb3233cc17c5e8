"""Values, gradients and steps against those recorded in float64 PyTorch (tests/reference)."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.nodes import Input
from deltaplan.compiler.plan import compile_plans, evaluate_plan
from deltaplan.runtime.backends.numpy.bind import bind, target_key
from deltaplan.runtime.backends.numpy.update import BoundUpdate
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.outcome import Start
from deltaplan.runtime.problem import Problem
from deltaplan.runtime.train import train

HERE = Path(__file__).parent / "reference"
STEPS = sorted((HERE / "steps").glob("*.dl"))
STATES = ("m", "v", "velocity", "mean", "total")  # of all optimizers
MODELS = sorted((HERE / "models").glob("*.dl"))


def load(path):
    """The experiment; activations that are not built in come from a plugin."""
    try:
        return deltaplan.load(path)
    except deltaplan.SpecError:
        return with_plugin(path)


def with_plugin(path):
    text = 'use "./activations.py"\n' + path.read_text(encoding="utf-8")
    return deltaplan.loads(text, path.name, folder=HERE)


def close(found, expected, tolerance):
    """|a − b| ≤ tolerance · max|b| + 1e-15"""
    expected = np.asarray(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max() + 1e-15)


def only(names):
    (name,) = names
    return name


class Blocks:
    """Where the recorded parameter blocks, named by the number of their layer and a letter, lie in θ."""

    def __init__(self, names, parameters):
        layers = list(dict.fromkeys(p.node.removesuffix(".project") for p in parameters))
        self.places = [self._place(parameters, layers[j - 1], letter) for j, letter in names]
        assert len(parameters) == len(names)
        self.size = sum(p.size for p in parameters)

    def _place(self, parameters, layer, letter):
        name = f"{layer}.project.W" if letter == "P" else f"{layer}.{letter}"
        return next(p for p in parameters if p.name == name)

    def ours(self, recorded):
        """Recorded values, block by block, in the order of θ."""
        theta, begin = np.empty(self.size), 0
        for place in self.places:
            theta[place.offset : place.end] = recorded[begin : begin + place.size]
            begin += place.size
        assert begin == len(recorded)
        return theta

    def compare(self, found, expected, tolerance):
        for place in self.places:
            part = slice(place.offset, place.end)
            close(found[part], expected[part], tolerance)


class Steps:
    """A recorded run, its values in the order of θ."""

    def __init__(self, path):
        self.experiment, self.record = load(path), np.load(path.with_suffix(".npz"))
        self.plans = compile_plans(self.experiment)
        names = list(zip(self.record["layer"], self.record["block"], strict=True))
        self.blocks = Blocks(names, self.plans.train.trace.parameters)

    def rows(self, key):
        return [self.blocks.ours(row) for row in self.record[key]]

    def bound(self):
        """The plan of training on the recorded samples, with θ and g."""
        theta, gradient = np.empty(self.blocks.size), np.zeros(self.blocks.size)
        x, y = self.record["x"][None], self.record["y"][None]
        trace = self.plans.train.trace
        data = {only(trace.inputs): x, target_key(only(trace.targets)): y}
        bound = bind(self.plans.train, {"θ": theta, "g": gradient}, x.shape[1], data)
        bound.scale[...] = 1 / x.shape[1]
        return bound, theta, gradient


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_recorded_losses_and_gradients(path):
    steps = Steps(path)
    bound, theta, gradient = steps.bound()
    trace = bound.plan.trace
    for number, (before, expected) in enumerate(
        zip(steps.rows("theta"), steps.rows("gradient"), strict=False)
    ):
        theta[:] = before
        bound.run()
        close(bound[trace.sample_loss].mean(), steps.record["loss"][number], 1e-12)
        close(bound[trace.objective], steps.record["objective"][number], 1e-12)
        steps.blocks.compare(gradient, expected, 1e-12)


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_recorded_updates(path):
    """Each step from the recorded parameters, gradient and state."""
    steps = Steps(path)
    theta, gradient = np.zeros(steps.blocks.size), np.zeros(steps.blocks.size)
    update = BoundUpdate(steps.plans.update, {"θ": theta, "g": gradient})
    thetas = steps.rows("theta")
    recorded = {name: steps.rows(name) for name in update.states}
    for number, slopes in enumerate(steps.rows("gradient")):
        theta[:], gradient[:] = thetas[number], slopes
        for name, state in update.states.items():
            state[:] = recorded[name][number]
        update.run(number + 1, number)
        steps.blocks.compare(theta, thetas[number + 1], 1e-12)
        for name, state in update.states.items():
            if number + 1 < len(recorded[name]):
                steps.blocks.compare(state, recorded[name][number + 1], 1e-12)


@pytest.mark.parametrize("path", [p for p in STEPS if p.stem.startswith("w1")], ids=lambda path: path.stem)
def test_ten_recorded_steps_in_a_row(path):
    """Plan and update work on the same vectors. (A deep net's round-off grows too fast for this.)"""
    steps = Steps(path)
    bound, theta, gradient = steps.bound()
    update = BoundUpdate(steps.plans.update, {"θ": theta, "g": gradient})
    thetas = steps.rows("theta")
    theta[:] = thetas[0]
    for number, after in enumerate(thetas[1:], start=1):
        bound.run()
        update.run(number, number - 1)
        steps.blocks.compare(theta, after, 1e-10)


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize("path", [p for p in STEPS if p.stem.startswith("w1")], ids=lambda path: path.stem)
def test_training_makes_the_recorded_steps(path, backend):
    """The whole loop, schedules and all, from the recorded first parameters."""
    steps = Steps(path)
    thetas = steps.rows("theta")
    x, y = steps.record["x"][None], steps.record["y"][None]
    trace = steps.plans.train.trace
    part = Part({only(trace.inputs): x}, {only(trace.targets): y}, np.arange(x.shape[1]))
    counters = {"theta": thetas[0], "seen": np.array(0.0)}
    begin = Start(0, thetas[0], {name: np.zeros(steps.blocks.size) for name in STATES}, counters)
    outcome = train(steps.experiment, Dataset({"train": part}, None), start=begin, backend=backend)
    assert (outcome.step, outcome.backend) == (len(thetas) - 1, backend)
    steps.blocks.compare(outcome.theta, thetas[-1], 1e-10)


def samples(experiment, record):
    """The columns that the spec names, [features, N]; classes as numbers from 0."""
    data = experiment.data
    with (HERE / "models" / Path(data.path).name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def columns(named):
        return np.array([[float(row[c.name]) for row in rows] for c in named])

    kinds = {n.output: n.kind for n in experiment.graph if hasattr(n, "output") and hasattr(n, "kind")}
    x = {name: columns(named) for name, named in data.inputs.items()}
    y = {name: columns(named) for name, named in data.targets.items()}
    return x, {name: v[0].astype(int) if kinds[name] == "class" else v for name, v in y.items()}


class Model:
    """A recorded model: the problem, θ and the samples."""

    def __init__(self, path):
        self.experiment = load(path)
        self.record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        self.x, self.y = samples(self.experiment, self.record)
        self.problem = Problem(self.experiment, self.x, self.y)
        names = [(block["layer"], block["name"]) for block in self.record["blocks"]]
        self.blocks = Blocks(names, self.problem.parameters)
        self.theta = self.flat("value")

    def flat(self, key):
        return self.blocks.ours(np.concatenate([block[key] for block in self.record["blocks"]]))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_recorded_models(path):
    model = Model(path)
    problem, record, theta = model.problem, model.record, model.theta
    assert [n.name for n in model.experiment.graph.of(Input)] == list(model.x)
    close(problem.per_sample_loss(theta), record["losses"], 1e-10)
    close(problem.loss(theta), record["loss"], 1e-10)
    close(problem.objective(theta), record["objective"], 1e-10)
    model.blocks.compare(problem.objective_grad(theta), model.flat("gradient"), 1e-10)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_recorded_outputs(path):
    model = Model(path)
    plan = evaluate_plan(model.experiment.graph)
    bound = bind(plan, {"θ": model.theta}, len(model.record["losses"]), model.x)
    bound.run()
    (output,) = plan.trace.outputs.values()
    close(bound[output].T, model.record["outputs"], 1e-10)
