"""The workloads: what deltaplan runs, and the numbers that every contender begins with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

import deltaplan
from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.plan import Plans, compile_plans
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.initial import initial

Array = np.ndarray[Any, Any]
Blocks = list[tuple[Array, Array]]  # (W [out, in], b [out]) of each layer
ROOT = Path(__file__).parents[1]
Precision = Literal["float32", "float64"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float64")
Unit = Literal["epochs", "steps"]


@dataclass(frozen=True, slots=True)
class Workload:
    """An experiment with its data; `length` is the whole of it, in the unit of its `train` block."""

    name: str
    experiment: Experiment
    dataset: Dataset
    plans: Plans
    length: int

    @property
    def settings(self) -> TrainSpec:
        """The `train` block."""
        assert self.experiment.train is not None
        return self.experiment.train

    @property
    def steps(self) -> int:
        """The steps of one unit."""
        batch = self.settings.batch
        if batch is None or self.settings.unit == "steps":
            return 1
        return -(-len(self.dataset.parts["train"]) // batch)

    @property
    def samples(self) -> tuple[Array, Array]:
        """Inputs [features, N] and targets [outputs, N] or [N] of the training part."""
        part = self.dataset.parts["train"]
        return next(iter(part.x.values())), next(iter(part.y.values()))

    @property
    def rate(self) -> float:
        rate = self.settings.optimizer.values["lr"]
        assert isinstance(rate, float)
        return rate

    @property
    def momentum(self) -> float:
        momentum = self.settings.optimizer.values["momentum"]
        assert isinstance(momentum, float)
        return momentum

    @property
    def preprocessing(self) -> Preprocessing:
        assert self.dataset.preprocessing is not None
        return self.dataset.preprocessing

    @property
    def theta(self) -> Array:
        """θ as deltaplan first draws it: the weights of all layers, then the biases."""
        return initial(self.experiment.graph, self.settings.seed)

    @property
    def blocks(self) -> Blocks:
        """W and b of each layer in θ."""
        found = named(self.experiment, self.theta)
        layers = [name.removesuffix(".W") for name in found if name.endswith(".W")]
        return [(found[f"{layer}.W"], found[f"{layer}.b"]) for layer in layers]


def named(experiment: Experiment, theta: Array) -> Mapping[str, Any]:
    """θ as blocks by name."""
    parameters = place_parameters(experiment.graph)
    return {p.name: theta[p.offset : p.end].reshape(p.tensor.shape) for p in parameters}


def workload(
    name: str, spec: str, precision: Precision, length: int, unit: Unit = "epochs", data: Any = None
) -> Workload:
    """So many epochs or steps of a spec in this precision, on its own data or on (x, y) from memory."""
    experiment = deltaplan.load(ROOT / spec)
    assert experiment.train is not None
    settings = replace(experiment.train, precision=precision, length=length, unit=unit)
    experiment = replace(experiment, train=settings)
    dataset = dataset_from_memory(experiment, *data) if data else load_dataset(experiment, Path())
    return Workload(name, experiment, dataset, compile_plans(experiment), length)


def w1(precision: Precision, length: int = 5000) -> Workload:
    """The lecture's 3x5,1,1 on 40 samples."""
    return workload(f"W1 {precision}", "specs/lecture/3x5.dl", precision, length)


def w1_snake(precision: Precision, length: int = 5000) -> Workload:
    """The same net with an activation that a plugin states."""
    return workload(f"W1-snake {precision}", "benchmarks/w1_snake.dl", precision, length)


def w2(precision: Precision, length: int = 1000) -> Workload:
    """The lecture's 45x5,1,1."""
    return workload(f"W2 {precision}", "specs/lecture/45x5.dl", precision, length)


def w3(precision: Precision = "float32", length: int = 20) -> Workload:
    """64-64-64-10 on the digits, batches of 32."""
    return workload("W3 float32", "benchmarks/w3.dl", precision, length)


def w4(precision: Precision = "float32", length: int = 100) -> Workload:
    """784-512-512-10, batches of 128."""
    return workload("W4 float32", "benchmarks/w4.dl", precision, length, "steps", synthetic())


def w5(precision: Precision = "float32", length: int = 16) -> Workload:
    """Two convolutions on pictures of 28x28, batches of 64."""
    return workload("W5 float32", "benchmarks/w5.dl", precision, length, "steps", synthetic(4096))


def w6(precision: Precision = "float32") -> Workload:
    """W3's net on all 1797 digits."""
    text = (
        (ROOT / "benchmarks/w3.dl").read_text(encoding="utf-8").replace("split train=80% test=20% seed=1", "")
    )
    experiment = deltaplan.loads(text, "w6.dl", folder=ROOT / "benchmarks")
    assert experiment.train is not None
    experiment = replace(experiment, train=replace(experiment.train, precision=precision))
    return Workload("W6 float32", experiment, load_dataset(experiment, Path()), compile_plans(experiment), 1)


def deep(layers: int) -> Workload:
    """W1's net with so many layers of 5."""
    text = (ROOT / "specs/lecture/3x5.dl").read_text(encoding="utf-8").replace("3x5", f"{layers}x5")
    experiment = deltaplan.loads(text, "deep.dl", folder=ROOT / "specs/lecture")
    return Workload(
        f"{layers} layers", experiment, load_dataset(experiment, Path()), compile_plans(experiment), 1
    )


@cache
def synthetic(count: int = 20_000) -> tuple[Array, Array]:
    """Samples of 784 numbers, of which a random linear map says the class."""
    random = np.random.default_rng(0)
    x = random.standard_normal((count, 784), np.float32)
    return x, (x @ random.standard_normal((784, 10), np.float32)).argmax(1)


@dataclass(frozen=True, slots=True)
class Grid:
    """Points θ + a·d₁ + b·d₂ of a landscape: a and b [points] and the directions [2, size]."""

    theta: Array
    directions: Array
    a: Array
    b: Array

    @property
    def thetas(self) -> Array:
        """[points, size]"""
        steps = np.stack([self.a, self.b], 1)
        thetas: Array = self.theta + steps @ self.directions
        return thetas


def landscape_of(work: Workload, side: int = 101) -> Grid:
    """W7: a square of points around the first θ."""
    directions = np.random.default_rng(0).standard_normal((2, work.theta.size))
    line = np.linspace(-1, 1, side)
    a, b = (axis.ravel() for axis in np.meshgrid(line, line))
    return Grid(work.theta, directions, a, b)


def rows_of(work: Workload, count: int) -> Array:
    """W9: so many samples [count, features] as the model sees them."""
    x = np.ascontiguousarray(work.samples[0].T, work.settings.precision)
    return np.ascontiguousarray(np.resize(x, (count, x.shape[1])))
