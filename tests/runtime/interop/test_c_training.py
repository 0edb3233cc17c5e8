"""Steps of training in C: from the same state, those of the numpy backend."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from c_files import Library, member, needs_compiler, write
from c_models import SPECS, close, loaded, raw_inputs, scaled, with_precision
from programs import experiment

import deltaplan
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.interop.c import document_of
from deltaplan.runtime.model import Model
from deltaplan.runtime.train import Trainer

pytestmark = needs_compiler


class Pair:
    """A training on numpy beside its C file, on samples that both have in the file's precision."""

    def __init__(self, spec, data, folder):
        self.spec = spec
        model = Model(spec, np.zeros(0, spec.train.precision), data.preprocessing)
        self.raw = raw_inputs(model, data)
        part = replace(data.parts["train"], x=scaled(model, self.raw))
        self.trainer = Trainer(spec, Dataset({"train": part}, data.preprocessing), compile_plans(spec))
        self.trainer.vector += np.random.default_rng(3).normal(size=len(self.trainer.vector)) * 0.05
        model = replace(model, theta=self.trainer.vector.copy())
        made = document_of(model, "net", train=True, samples=len(part))
        self.c = Library(write(folder, made, "net"))
        self.state = self.c.state()
        self.theta = self.c.array(np.full(len(self.trainer.vector), np.nan))
        self.c.call("begin", self.theta, ctypes.byref(self.state))
        np.testing.assert_array_equal(self.theta, self.trainer.vector)

    def steps(self, count):
        """Steps of both, each from the state of numpy's; yields the batch of each."""
        for epoch in range(count):
            for chosen in self.trainer.batches.epoch(epoch):
                if self.trainer.step == count:
                    return
                rows = np.arange(len(self.trainer.part)) if chosen is None else chosen
                self.step(chosen, rows)

    def step(self, chosen, rows):
        trainer, precision = self.trainer, self.spec.train.precision
        bound = trainer._load(chosen)
        bound.run()
        objective = float(bound[bound.plan.trace.objective])
        gradient, before = trainer.gradient.copy(), trainer.vector.copy()
        self.theta[:] = before
        states = {name: state.copy() for name, state in trainer.update.states.items()}
        for name, values in states.items():
            member(self.state, name)[:] = values
        self.state.t = trainer.step
        if hasattr(self.state, "epoch"):
            self.state.epoch = trainer.step // trainer.batches.per_epoch
        found = self.c_step(rows)
        close(found, objective, precision)
        own = member(self.state, "g")
        for begin, end in parts_of(trainer):
            close(own[begin:end], gradient[begin:end], precision)
        assert self.state.t == trainer.step + 1
        trainer.gradient[:] = np.where(np.isfinite(own), own, 0)  # the update is compared by itself
        trainer._update(bound)
        close(self.theta, trainer.vector, precision)
        for name, values in trainer.update.states.items():
            close(member(self.state, name), values, precision)

    def c_step(self, rows):
        real = ctypes.c_float if self.c.real == "float" else ctypes.c_double
        inputs = [self.c.array(x.T[rows]) for x in self.raw.values()]
        targets = [self.target(name, y, rows) for name, y in self.trainer.part.y.items()]
        named = [self.trainer.part.rows[rows].astype(np.uint32)] if self.trainer._random else []
        given = [self.theta, ctypes.byref(self.state), len(rows), *inputs, *targets, *named]
        return self.c.call("step", *given, returns=real)

    def target(self, name, y, rows):
        """In the data's units: numbers, or classes that count from 0."""
        columns = self.trainer.dataset.preprocessing.targets.get(name)
        kind = columns.kind if columns else "real"
        if kind == "real":
            values = columns.scaling.undo(y) if columns else y
            return self.c.array(values.T[rows])
        return np.ascontiguousarray((y.T > 0 if kind == "sign" else y.T)[rows], np.intc)


def parts_of(trainer):
    return [(part.begin, part.end) for part in trainer.plans.update.parts]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_ten_steps_of_the_specs(path, precision, tmp_path):
    Pair(with_precision(deltaplan.load(path), precision), loaded(path), tmp_path).steps(10)


NET = ("input 3", "dense 4 tanh", "dense 4 silu residual", "output 2")
OPTIMIZERS = [
    "sgd(lr=0.05)",
    "sgd(lr=0.05, momentum=0.9, nesterov=true)",
    "adam(lr=0.02)",
    "adamw(lr=0.02, weight_decay=0.1)",
    "rmsprop(lr=0.01)",
    "adagrad(lr=0.05)",
    "adam(lr=step(0.05, at=4, factor=0.1))",
    "sgd(lr=cosine(0.1))",
]
PROBLEMS = [
    {"minimize": "sum(huber) + l1(0.01)"},
    {"minimize": "mean(absolute_error) + elastic(0.01, 0.5)"},
    {"minimize": "mean(squared_error) + l2(0.1)", "more": "clip norm=0.01"},
    {"minimize": "mean(squared_error)", "more": "only output"},
    {"minimize": "mean(squared_error) + l2(0.1)", "more": "lr_scale 0.1 on=dense1; clip norm=0.1"},
]


def pair(folder, *model, samples=20, kind="real", inputs=3, targets=2, precision="float64", **options):
    """On random samples in memory, in units of their own."""
    given = {"optimizer": "adam(lr=0.01)", "batch": 6} | options
    extra = ["standardize inputs, targets"] if kind == "real" else ["standardize inputs"]
    wanted = ", ".join(f"t{i}" for i in range(targets))
    spec = experiment(
        *model, inputs=inputs, targets="; ".join([wanted, *extra]), precision=precision, **given
    )
    random = np.random.default_rng(2)
    x = random.normal(size=(samples, inputs)) * 3 + 5
    y = random.normal(size=(samples, targets)) * 2 - 1
    classes = {"class": y[:, 0].round().astype(int) % 3, "binary": (y > 0) * 1.0, "sign": np.sign(y)}
    return Pair(spec, dataset_from_memory(spec, x, classes.get(kind, y)), folder)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ten_steps_of_every_optimizer(optimizer, tmp_path):
    pair(tmp_path, *NET, optimizer=optimizer).steps(10)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: " ".join(problem.values()))
@pytest.mark.parametrize("batch", ["full", 6])
def test_ten_steps_of_other_problems(problem, batch, tmp_path):
    pair(tmp_path, *NET, batch=batch, **problem).steps(10)


@pytest.mark.parametrize(
    ("loss", "kind", "outputs", "targets"),
    [
        ("cross_entropy", "class", 3, 1),
        ("logistic", "binary", 1, 1),
        ("logistic", "binary", 2, 2),
        ("hinge", "sign", 1, 1),
        ("squared_error", "real", 2, 2),
    ],
)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_ten_steps_of_every_loss(loss, kind, outputs, targets, precision, tmp_path):
    model = ("input 3", "dense 4 tanh", f"output {outputs}")
    options = {"minimize": f"mean({loss})", "kind": kind, "targets": targets, "precision": precision}
    pair(tmp_path, *model, **options).steps(10)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_dropout_and_noise_draw_the_numbers_of_python(precision, tmp_path):
    model = ("input 3", "noise 0.3", "dense 9 tanh", "dropout 40%", "dense 5 elu", "dropout 0.2", "output 2")
    pair(tmp_path, *model, precision=precision).steps(10)


def test_activations_of_every_kind(tmp_path):
    kinds = ("sigmoid", "relu", "leaky_relu(0.1)", "elu", "softplus", "silu", "gelu", "mish", "0.5*tanh")
    model = ("input 3", *(f"dense 4 {kind}" for kind in kinds), "output 2")
    pair(tmp_path, *model).steps(3)
