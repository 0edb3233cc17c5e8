"""What a `sweep` block says: the params that trials differ in, and the values that each takes."""

from collections.abc import Sequence
from dataclasses import field
from math import prod
from typing import Literal

from deltaplan.compiler.nodes import show_value
from deltaplan.diagnostics import Span
from deltaplan.plugins.contracts import Value
from deltaplan.records import dataclass

SEED = "seed"  # what an axis and an override call the seed of training, where no param has the name


@dataclass(frozen=True, slots=True)
class Distribution:
    """Numbers from `low` to `high`, equally likely, or with equally likely logarithms. `whole` says that they
    are whole numbers, both ends among them."""

    name: Literal["uniform", "log_uniform"]
    low: float
    high: float
    whole: bool = False

    def __str__(self) -> str:
        """As the text says it."""
        whole = ", whole" if self.whole else ""
        return f"{self.name}({show_value(self.low)}, {show_value(self.high)}{whole})"


@dataclass(frozen=True, slots=True)
class Axis:
    """A param and its values; a distribution has no end of them. `param` is false for training's own seed."""

    name: str
    values: Sequence[Value] | Distribution
    span: Span = field(compare=False)
    param: bool = True

    @property
    def is_drawn(self) -> bool:
        return isinstance(self.values, Distribution)

    @property
    def count(self) -> int | None:
        """How many values there are; None where there is no end of them."""
        match self.values:
            case Distribution(low=low, high=high, whole=whole):
                return int(high) - int(low) + 1 if whole else None
            case values:
                return len(values)

    def __str__(self) -> str:
        """As the text says it."""
        match self.values:
            case Distribution():
                return f"{self.name} = {self.values}"
            case range() as values if len(values) > 1:
                return f"{self.name} = {values[0]}..{values[-1]}"
            case values:
                return f"{self.name} = [{', '.join(map(show_value, values))}]"


@dataclass(frozen=True, slots=True)
class Sweep:
    """The axes in their order. Without `random` all combinations are tried; with it so many settings are
    drawn by `seed`, none twice, and each is trained with all the seeds of the axis `seed`."""

    axes: tuple[Axis, ...]
    span: Span = field(compare=False)
    random: int | None = None
    seed: int = 0

    @property
    def params(self) -> tuple[Axis, ...]:
        return tuple(axis for axis in self.axes if axis.param)

    @property
    def seeds(self) -> Sequence[Value]:
        """The seeds of training; empty where they are not swept."""
        found = next((axis.values for axis in self.axes if not axis.param), ())
        assert not isinstance(found, Distribution), "seeds are listed"
        return found

    @property
    def combinations(self) -> int | None:
        """How many settings of the params there are; None where one has no end of values."""
        counts = [axis.count for axis in self.params]
        return None if None in counts else prod(count for count in counts if count is not None)

    @property
    def trials(self) -> int:
        """How many trainings it takes."""
        bounds = [bound for bound in (self.combinations, self.random) if bound is not None]
        return min(bounds) * max(1, len(self.seeds))
