"""W1, W2 and W3: what deltaplan runs, beside the same by hand; both begin with the same parameters."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

import deltaplan
from benchmarks.reference_numpy import Array, Blocks, Classifier, Residual
from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.plan import Plans, compile_plans
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.initial import initial
from deltaplan.runtime.train import Trainer, train

ROOT = Path(__file__).parents[1]
Run = Callable[[], object]
Precision = Literal["float32", "float64"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float64")


@dataclass(frozen=True, slots=True)
class Workload:
    """An experiment with its data; `length` is how much of it one turn of a measurement runs, in its unit."""

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
        """The steps of one turn."""
        batch = self.settings.batch
        return self.length * (-(-len(self.dataset.parts["train"]) // batch) if batch else 1)

    @property
    def samples(self) -> tuple[Array, Array]:
        """Inputs [features, N] and targets of the training part."""
        part = self.dataset.parts["train"]
        return next(iter(part.x.values())), next(iter(part.y.values()))

    @property
    def rate(self) -> float:
        rate = self.settings.optimizer.values["lr"]
        assert isinstance(rate, float)
        return rate


def workload(name: str, spec: str, precision: Precision, length: int) -> Workload:
    """`length` epochs of a spec in this precision."""
    experiment = deltaplan.load(ROOT / spec)
    assert experiment.train is not None
    settings = replace(experiment.train, precision=precision, length=length, unit="epochs")
    experiment = replace(experiment, train=settings)
    return Workload(name, experiment, load_dataset(experiment, Path()), compile_plans(experiment), length)


def workloads(whole: bool) -> Iterator[Workload]:
    """Short turns to compare steps, or lengths in which what comes before and after the steps is small."""
    for precision in PRECISIONS:
        yield workload(f"W1 {precision}", "specs/lecture/3x5.dl", precision, 5000 if whole else 100)
        yield workload(f"W2 {precision}", "specs/lecture/45x5.dl", precision, 1000 if whole else 10)
    yield workload("W3 float32", "benchmarks/w3.dl", "float32", 20 if whole else 2)


def plan_steps(work: Workload) -> Run:
    """The compiled plan and the update, step by step, without what the trainer looks at in between."""
    trainer = Trainer(work.experiment, work.dataset, work.plans)

    def run() -> None:
        step = 0
        for epoch in range(work.length):
            for chosen in trainer.batches.epoch(epoch):
                trainer._load(chosen).run()
                step += 1
                trainer.update.run(step)

    return run


def whole_training(work: Workload) -> Run:
    """`deltaplan.train` with compiled plans: memory, checks for divergence, history, validation."""
    return lambda: train(work.experiment, work.dataset, work.plans)


def by_hand(work: Workload) -> Run:
    """The reference in numpy."""
    if work.settings.batch is None:
        net = residual(work)
        return lambda: [net.step() for _ in range(work.length)]
    classifier, count = digits(work), len(work.dataset.parts["train"])
    random = np.random.default_rng(0)
    return lambda: [classifier.epoch(random.permutation(count)) for _ in range(work.length)]


def residual(work: Workload) -> Residual:
    x, y = work.samples
    return Residual(blocks(work.experiment), x, y, work.rate, work.settings.precision)


def digits(work: Workload) -> Classifier:
    x, y = work.samples
    batch = work.settings.batch
    assert batch is not None
    return Classifier(blocks(work.experiment), x.T, y, batch, work.rate, work.settings.precision)


def blocks(experiment: Experiment) -> Blocks:
    """W and b of each layer as deltaplan first draws them."""
    assert experiment.train is not None
    theta = named(experiment, initial(experiment.graph, experiment.train.seed))
    layers = [name.removesuffix(".W") for name in theta if name.endswith(".W")]
    return [(theta[f"{layer}.W"], theta[f"{layer}.b"]) for layer in layers]


def named(experiment: Experiment, theta: Array) -> Mapping[str, Any]:
    """θ as blocks by name."""
    parameters = place_parameters(experiment.graph)
    return {p.name: theta[p.offset : p.end].reshape(p.tensor.shape) for p in parameters}
