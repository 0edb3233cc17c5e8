"""The compiled problem as plain functions of the flat vector θ, for any other solver."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.lower import Parameter, lower
from deltaplan.compiler.plan import evaluate_plan, gradient_plan
from deltaplan.runtime.backends.numpy.bind import Bound, bind, target_key
from deltaplan.runtime.backends.numpy.expressions import Array

Vector = np.ndarray[Any, np.dtype[np.float64]]


class Problem:
    """minimize loss(θ) + Ω(θ) on fixed samples, in float64.

    `loss` is the mean (or sum, as the spec says) over the samples, `objective` adds the regularizers; `grad`
    is the gradient of the objective and `loss_grad` that of the loss alone. θ is a vector of `size` numbers,
    or a stack [k, size]: results then have k as their first axis.

    `inputs` holds [features, N] by the names of the input nodes, `targets` [outputs, N] or class indices [N] by
    those of the outputs. ValueError where names or shapes are others.
    """

    def __init__(
        self, experiment: Experiment, inputs: Mapping[str, Array], targets: Mapping[str, Array]
    ) -> None:
        self.experiment = experiment
        self._trace = lower(experiment.graph, "predict")
        _same_names("inputs", inputs, self._trace.inputs)
        _same_names("targets", targets, self._trace.targets)
        self.parameters: tuple[Parameter, ...] = self._trace.parameters
        self.size = self._trace.size
        self._data = {**inputs, **{target_key(name): y for name, y in targets.items()}}
        self.samples = next(iter(inputs.values())).shape[-1]
        average = experiment.train.average if experiment.train else "mean"
        self._scale = 1 / self.samples if average == "mean" else 1.0
        self._theta = np.zeros(self.size)
        self._gradients: dict[str, tuple[Bound, Vector]] = {}
        self._forward = bind(evaluate_plan(experiment.graph), {"θ": self._theta}, self.samples, self._data)

    def loss(self, theta: Vector) -> Any:
        """The loss without regularizers: a float, or [k] for a stack."""
        return self._each(theta, self._loss)

    def objective(self, theta: Vector) -> Any:
        """The loss with the regularizers: a float, or [k] for a stack."""
        return self._each(theta, self._objective)

    def grad(self, theta: Vector) -> Vector:
        """∂objective/∂θ, in the shape of θ."""
        return np.asarray(self._each(theta, lambda: self._gradient("J")))

    def loss_grad(self, theta: Vector) -> Vector:
        """∂loss/∂θ, in the shape of θ."""
        return np.asarray(self._each(theta, lambda: self._gradient("L")))

    def per_sample_loss(self, theta: Vector) -> Vector:
        """The loss of each sample without weights or average: [N], or [k, N] for a stack."""
        return np.asarray(self._each(theta, self._sample_losses))

    def split(self, theta: Vector) -> dict[str, Vector]:
        """θ as named blocks, `dense1.W` [out, in] and so on: views, not copies."""
        return {p.name: theta[p.offset : p.end].reshape(p.tensor.shape) for p in self.parameters}

    def _each(self, theta: Vector, function: Any) -> Any:
        theta = np.asarray(theta, np.float64)
        if theta.shape[-1:] != (self.size,) or theta.ndim > 2:
            raise ValueError(f"θ has {self.size} numbers, or is a stack [k, {self.size}]; not {theta.shape}")
        if theta.ndim == 2:
            return np.array([self._each(row, function) for row in theta])
        self._theta[:] = theta
        with np.errstate(all="ignore"):
            return function()

    def _sample_losses(self) -> Vector:
        self._forward.run()
        assert self._forward.plan.trace.sample_loss is not None
        return np.array(self._forward[self._forward.plan.trace.sample_loss])

    def _loss(self) -> float:
        return float(self._scale * self._sample_losses().sum())

    def _objective(self) -> float:
        loss, penalty = self._loss(), self._forward.plan.trace.penalty
        return loss if penalty is None else loss + float(self._forward[penalty])

    def _gradient(self, of: str) -> Vector:
        bound, gradient = self._bound(of)
        bound.run()
        return gradient.copy()

    def _bound(self, of: str) -> tuple[Bound, Vector]:
        if of not in self._gradients:
            gradient = np.zeros(self.size)
            plan = gradient_plan(self._trace, of_loss=of == "L")
            bound = bind(plan, {"θ": self._theta, "g": gradient}, self.samples, self._data)
            bound.scale[...] = self._scale
            self._gradients[of] = bound, gradient
        return self._gradients[of]


def _same_names(what: str, given: Iterable[str], expected: Iterable[str]) -> None:
    if set(given) != set(expected):
        raise ValueError(f"{what} are given for {sorted(given)}, and the model has {sorted(expected)}")
