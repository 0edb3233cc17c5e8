"""Trainings on numpy beside their C files, many of which are compiled at once."""

import ctypes
from dataclasses import replace

import numpy as np
from c_files import built, member
from c_models import close, raw_inputs, scaled
from programs import experiment

from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.interop.c import document_of
from deltaplan.runtime.model import Model
from deltaplan.runtime.numpy_trainer import Trainer


class Shelf:
    """Pairs by their keys, made and compiled together when the first of them is asked for."""

    def __init__(self, makers, folder=None):
        self.makers, self.folder, self.pairs = makers, folder, {}

    def __getitem__(self, key):
        if not self.pairs:
            self.pairs = {key: make() for key, make in self.makers.items()}
            names = {key: f"net{number}" for number, key in enumerate(self.pairs)}
            documents = {names[key]: pair.document(names[key]) for key, pair in self.pairs.items()}
            files = built(self.folder, documents)
            for key, pair in self.pairs.items():
                pair.begin(files[names[key]])
        return self.pairs[key]


class Shelves:
    """Some shelves, by all of their keys."""

    def __init__(self, shelves):
        self.shelves = shelves

    def __getitem__(self, key):
        return next(shelf for shelf in self.shelves if key in shelf.makers)[key]


def shelves_of(makers, parts, folders):
    """A shelf for each part of the keys."""
    return Shelves([Shelf({key: makers[key] for key in keys}, folders.mktemp("c")) for keys in parts if keys])


class Pair:
    """A training on numpy beside its C file, on samples that both have in the file's precision."""

    def __init__(self, spec, data):
        self.spec, self.c = spec, None
        model = Model(spec, np.zeros(0, spec.train.precision), data.preprocessing)
        self.raw = raw_inputs(model, data)
        part = replace(data.parts["train"], x=scaled(model, self.raw))
        self.trainer = Trainer(spec, Dataset({"train": part}, data.preprocessing), compile_plans(spec))
        self.trainer.vector += np.random.default_rng(3).normal(size=len(self.trainer.vector)) * 0.05
        statistics = self.trainer.vector[self.trainer.plans.train.trace.size :]
        statistics[:] = np.abs(statistics)  # variances are not negative
        self.model = replace(model, theta=self.trainer.vector.copy())

    def document(self, name):
        return document_of(self.model, name, train=True, samples=len(self.trainer.part))

    def begin(self, library):
        self.c = library
        self.state = library.state()
        self.theta = library.array(np.full(len(self.trainer.vector), np.nan))
        library.call("begin", self.theta, ctypes.byref(self.state))
        np.testing.assert_array_equal(self.theta, self.trainer.vector)

    def predictions(self):
        """Those of both for some samples."""
        raw = {name: x[:, :50] for name, x in self.raw.items()}
        wanted = self.model.predict_columns(scaled(self.model, raw))
        found = self.c.predict([x.T for x in raw.values()], [len(v) for v in wanted.values()])
        for values, own in zip(wanted.values(), found, strict=True):
            close(own, values.T, self.spec.train.precision)

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
        before = trainer.vector.copy()  # with the running statistics, which a step moves
        bound = trainer._load(chosen)
        bound.run()
        objective = float(bound[bound.plan.trace.objective])
        gradient = trainer.gradient.copy()
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
        draws = "*samples" in self.c.header
        named = [self.trainer.part.rows[rows].astype(np.uint32)] if draws else []
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


def pair(*model, samples=20, kind="real", inputs=3, targets=2, precision="float64", data=(), **options):
    """A pair on random samples in memory, in units of their own; `data` are more lines of that block."""
    given = {"optimizer": "adam(lr=0.01)", "batch": 6} | options
    extra = ["standardize inputs, targets"] if kind == "real" else ["standardize inputs"]
    wanted = ", ".join(f"t{i}" for i in range(targets))
    spec = experiment(
        *model, inputs=inputs, targets="; ".join([wanted, *extra, *data]), precision=precision, **given
    )
    random = np.random.default_rng(2)
    x = random.normal(size=(samples, inputs)) * 3 + 5
    y = random.normal(size=(samples, targets)) * 2 - 1
    classes = {"class": y[:, 0].round().astype(int) % 3, "binary": (y > 0) * 1.0, "sign": np.sign(y)}
    return Pair(spec, dataset_from_memory(spec, x, classes.get(kind, y)))
