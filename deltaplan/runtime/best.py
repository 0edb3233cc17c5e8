"""The best parameters so far, by what a spec follows."""

from dataclasses import field
from math import inf, isnan

import numpy as np

from deltaplan.compiler.experiment import TrainSpec
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array


@dataclass(slots=True)
class Best:
    """The best value of what is looked at, θ and step at that point, and for how many epochs there was no
    better one. A value that is not a number is never better."""

    better: str  # `higher` or `lower`
    min_change: float
    theta: Array
    value: float = field(init=False)
    step: int = 0
    waited: int = 0

    def __post_init__(self) -> None:
        self.value = -inf if self.better == "higher" else inf

    def see(self, value: float, theta: Array, step: int) -> None:
        """One more epoch."""
        gain = value - self.value if self.better == "higher" else self.value - value
        if isnan(gain) or not gain > self.min_change:
            self.waited += 1
            return
        self.value, self.step, self.waited = value, step, 0
        np.copyto(self.theta, theta)


def best_of(spec: TrainSpec, theta: Array) -> Best | None:
    """What a spec with `stop_early` or `keep best` follows; None without them."""
    if spec.stop_early is None and spec.keep == "last":
        return None
    on = spec.stop_early.on if spec.stop_early else "loss"
    better = next((each.better for each in spec.monitor if each.label == on), "lower")
    return Best(better, spec.stop_early.min_change if spec.stop_early else 0.0, theta.copy())
