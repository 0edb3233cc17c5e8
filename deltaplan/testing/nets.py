"""A contribution in a small net of a spec: its gradient beside differences, and training on both backends."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from deltaplan.compiler.build import build
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.load import LIMITS
from deltaplan.diagnostics import DeltaplanError, Source
from deltaplan.dsl import parse
from deltaplan.plugins.contracts import Contribution, Loss
from deltaplan.plugins.loader import builtin_registry
from deltaplan.plugins.registry import Registry
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.measuring import measure_memory
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.gradcheck import gradcheck
from deltaplan.runtime.initial import initial
from deltaplan.runtime.run import Run
from deltaplan.runtime.run import train as train_run
from deltaplan.testing.report import Result

SAMPLES, STEPS, AGREE = 12, 3, 1e-9
Rows = Mapping[str, Any]

DATA = """
data {{
    csv "none.csv"
    inputs {inputs}
    targets {targets}
    split train=50% validation=50% seed=1
    {more}
}}
"""
SPEC = """
model check {{
    input {input}
    {layers}
    output {outputs}
}}
{data}
train {{
    minimize mean({loss}){penalty}
    optimizer {optimizer}
    {length}
    seed 1
    precision float64
    {more}
}}
"""


@dataclass(frozen=True, slots=True)
class Net:
    """A spec with the contribution in it, and its rows."""

    contribution: Contribution
    layers: str = "dense 4 tanh"
    loss: str = "squared_error"
    penalty: str = ""
    optimizer: str = "sgd(lr=0.01)"
    length: str = f"steps {STEPS}"
    more: str = ""
    data: str = ""
    input: str = "3"
    outputs: int = 2
    kind: str = "real"
    x: Rows = field(init=False)
    y: Any = field(init=False)

    def __post_init__(self) -> None:
        x, y = rows_of(self.input, self.outputs, self.kind)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    @property
    def text(self) -> str:
        inputs = ", ".join(name for name in self.x if name[0] == "x")
        block = DATA.format(inputs=inputs, targets=", ".join(self._targets), more=self.data)
        return SPEC.format(
            input=self.input,
            layers=self.layers,
            outputs=self.outputs,
            data=block if self._targets else "",
            loss=self.loss,
            penalty=f" + {self.penalty}" if self.penalty else "",
            optimizer=self.optimizer,
            length=self.length,
            more=self.more,
        )

    @property
    def _targets(self) -> list[str]:
        return [name for name in self.x if name[0] == "y"]

    def dataset(self, experiment: Experiment) -> Dataset:
        return dataset_from_memory(experiment, self.x, self.y)

    def experiment(self) -> Experiment:
        """DeltaplanError where the spec is refused."""
        spec, found = parse(Source("check.dl", self.text))
        measure = measure_memory(self.x, self.y)
        return build(spec, registry_with(self.contribution), {}, LIMITS, found, Path(), measure=measure)

    def train(self, backend: Any) -> Run:
        experiment = self.experiment()
        return train_run(experiment, self.dataset(experiment), runs=None, backend=backend)


def registry_with(contribution: Contribution) -> Registry:
    """The built-ins and the contribution, which may be one of them."""
    registry = builtin_registry()
    known = registry.entries.get(contribution.kind, {}).get(contribution.name)
    return registry if known == contribution else registry.with_([contribution])


def rows_of(shape: str, outputs: int, kind: str) -> tuple[Rows, Any]:
    """Columns x… of normal numbers, one for each of the input, and y… as a loss wants them; for more channels
    than one an array [N, numbers] and targets [N, outputs]."""
    random, count = np.random.default_rng(7), 2 * SAMPLES
    sides = tuple(map(int, shape.split("x")))
    if len(sides) > 1 and sides[-1] > 1:
        return {"input": random.normal(size=(count, prod(sides)))}, random.normal(size=(count, outputs))
    found: dict[str, Any] = {f"x{i}": random.normal(size=count) for i in range(prod(sides))}
    if kind == "class":
        return found | {"y": np.arange(count) % outputs}, None
    draws: Mapping[str, Callable[[], Any]] = {
        "real": lambda: random.normal(size=count),
        "binary": lambda: random.integers(0, 2, count).astype(float),
        "sign": lambda: random.integers(0, 2, count) * 2.0 - 1,
    }
    return found | {f"y{i}": draws[kind]() for i in range(outputs)}, None


def net_for(loss: Loss, given: str) -> Net:
    """A net whose output the loss takes."""
    return Net(loss, loss=given, kind=loss.target, outputs=3 if loss.target == "class" else 2)


def check_gradient(net: Net) -> Result:
    """Every block of the gradient beside central differences."""
    experiment = net.experiment()
    part = net.dataset(experiment).parts["train"]
    data = arrays_of(part)
    rows = gradcheck(experiment.graph, initial(experiment.graph, 1), data, 1 / len(part))
    worst = max(rows, key=lambda row: row.error)
    if not worst.passed:
        place = f"∂J/∂{worst.block}{list(worst.index)}"
        text = f"{place} is {worst.derived:.9g}, by differences {worst.difference:.9g}"
        return Result("gradient in a net", "failed", text)
    return Result("gradient in a net", "passed", f"worst {worst.error:.1e} of {len(rows)} blocks")


def check_training(net: Net) -> Iterator[Result]:
    """Some steps on numpy and in machine code: finite, and the same."""
    by_numpy = net.train("numpy")
    label = f"{STEPS} steps of training"
    if by_numpy.ended == "diverged" or not np.isfinite(by_numpy.theta).all():
        yield Result(label, "failed", "the parameters are not finite")
        return
    again = net.train("numpy")
    if not np.array_equal(by_numpy.theta, again.theta):
        yield Result(label, "failed", "twice the same training gives different parameters")
        return
    yield Result(label, "passed", "finite, and twice the same")
    yield _compared(net, by_numpy)


def _compared(net: Net, by_numpy: Run) -> Result:
    try:
        native = net.train("native")
    except DeltaplanError as error:
        return Result("numpy and native", "skipped", str(error.diagnostics[0].message))
    largest = max(float(np.abs(by_numpy.theta).max(initial=0.0)), 1e-3)
    errors = np.abs(native.theta - by_numpy.theta) / largest
    worst = float(errors.max(initial=0.0))
    if not worst <= AGREE:
        place = int(np.argmax(errors))
        text = f"θ[{place}] is {native.theta[place]:.9g}, on numpy {by_numpy.theta[place]:.9g}"
        return Result("numpy and native", "failed", text)
    return Result("numpy and native", "passed", f"worst {worst:.1e}")
