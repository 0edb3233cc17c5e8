"""What training gives: the history, the parameters that it reached, and why it ended."""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal

from deltaplan.diagnostics import Diagnostic
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.recorded import Recorded


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the history. `loss` is what training saw during the epoch that ends with `step`, `objective`
    that of its last step, with the regularizers; `validation_loss` and `metrics`, the monitored ones by name,
    are those after the step."""

    step: int
    epoch: int
    loss: float
    objective: float
    validation_loss: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def to_data(self) -> dict[str, Any]:
        """The line as plain data."""
        own = {
            name: getattr(self, name) for name in ("step", "epoch", "loss", "objective", "validation_loss")
        }
        return {name: value for name, value in {**own, **self.metrics}.items() if value is not None}


Backend = Literal["native", "numpy"]
Ended = Literal["complete", "converged", "stopped early", "interrupted", "diverged"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training reached: θ as the spec keeps it, with the running statistics behind it, the number of
    steps, and why it ended.

    After divergence θ is the last with a finite objective and gradient. `states` are the optimizer's vectors
    and `counters` what else is needed to go on: the θ of the last step, what the epoch at hand has seen, and
    the best value so far with its step and the epochs since; `recorded` is θ along the way, where the spec
    asks for it; `gradient_norm` is ‖∇J‖ at θ over what is trained, where a solver ran. `backend` is what ran,
    and `warnings` tell why where it is not what was to be expected.
    """

    theta: Array
    states: Mapping[str, Array]
    step: int
    history: tuple[Record, ...]
    ended: Ended
    counters: Mapping[str, Array] = field(default_factory=dict)
    divergence: Diagnostic | None = None
    backend: Backend = "numpy"
    recorded: Recorded | None = None
    gradient_norm: float | None = None
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Where an earlier run ended: its step, θ as it was kept, and the vectors and counters of its outcome."""

    step: int
    theta: Array
    states: Mapping[str, Array]
    counters: Mapping[str, Array]


Progress = Callable[[Record], None]
