"""θ along the way of a run."""

from dataclasses import field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import TrainSpec
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array


@dataclass(frozen=True, slots=True)
class Recorded:
    """`theta` [k, size] are the parameters after `steps` [k] steps: 0 is before the first."""

    steps: NDArray[np.int64]
    theta: Array

    def then(self, later: "Recorded") -> "Recorded":
        """This way and the one that goes on from its end."""
        steps, theta = np.append(self.steps, later.steps), np.concatenate([self.theta, later.theta])
        return Recorded(steps, theta)


def recorded_every(spec: TrainSpec, per_epoch: int) -> int | None:
    """The steps from one recorded θ to the next."""
    if spec.record is None:
        return None
    return spec.record * (per_epoch if spec.unit == "epochs" else 1)


@dataclass(slots=True)
class Recorder:
    """Keeps copies of θ every so many steps; none where `every` is None."""

    every: int | None
    theta: Array
    steps: list[int] = field(default_factory=list)
    found: list[Array] = field(default_factory=list)

    def see(self, step: int) -> None:
        """θ after so many steps."""
        if self.every is not None and step % self.every == 0:
            self.steps.append(step)
            self.found.append(self.theta.copy())

    def result(self, last: int) -> Recorded | None:
        """What was kept up to the step `last`."""
        if self.every is None:
            return None
        count = sum(step <= last for step in self.steps)
        theta: NDArray[Any] = np.array(self.found[:count], self.theta.dtype).reshape(count, len(self.theta))
        return Recorded(np.array(self.steps[:count], np.int64), theta)
