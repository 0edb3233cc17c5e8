"""A claim of the lecture with what was measured: a statistic over the seeds, its interval, a verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Verdict = Literal["holds", "holds only if", "does not hold"]
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Claim:
    """`said` is the lecture's, `found` what was measured with its interval, `verdict` what follows."""

    number: int
    said: str
    spec: str
    found: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with a 95 % interval by the bootstrap over seeds."""

    value: float
    low: float
    high: float
    count: int

    @property
    def cell(self) -> str:
        """In a table, whose seeds are told beside it."""
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def __str__(self) -> str:
        return f"{self.cell} over {self.count} seeds"


def estimate(values: Any, statistic: Callable[..., Any] = np.median) -> Estimate:
    """The statistic of values [seeds] and its interval; the same draws each time."""
    values = np.asarray(values, np.float64)
    draws = np.random.default_rng(0).integers(0, len(values), (DRAWS, len(values)))
    found = statistic(values[draws], axis=1)
    low, high = np.quantile(found, [0.025, 0.975])
    return Estimate(float(statistic(values)), float(low), float(high), len(values))


def ratio(over: Any, under: Any) -> Estimate:
    """The ratio of two medians, the seeds of both drawn anew."""
    over, under = np.asarray(over, np.float64), np.asarray(under, np.float64)
    rng = np.random.default_rng(0)
    tops = np.median(over[rng.integers(0, len(over), (DRAWS, len(over)))], axis=1)
    bottoms = np.median(under[rng.integers(0, len(under), (DRAWS, len(under)))], axis=1)
    low, high = np.quantile(tops / bottoms, [0.025, 0.975])
    value = float(np.median(over) / np.median(under))
    return Estimate(value, float(low), float(high), len(over))


def share(flags: Sequence[bool] | Any) -> str:
    """`32 of 32`."""
    return f"{int(np.sum(flags))} of {len(flags)}"
