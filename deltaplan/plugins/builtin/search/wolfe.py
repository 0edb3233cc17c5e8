"""A step along a direction that satisfies the strong Wolfe conditions.

    J(x + αd) ≤ J(x) + c₁α gᵀd,    |∇J(x + αd)ᵀd| ≤ c₂|gᵀd|

Nocedal and Wright, Numerical Optimization, 2006, algorithms 3.5 and 3.6. Where J is the same but for
round-off, the slopes decide alone: ∇J(x + αd)ᵀd ≤ (2c₁ − 1) gᵀd is then in place of the first (Hager and
Zhang, 2005).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Any

import numpy as np

from deltaplan.plugins.api import Objective

Vector = np.ndarray[Any, np.dtype[np.float64]]
C1, C2 = 1e-4, 0.9
NOISE = 4 * float(np.finfo(np.float64).eps)  # of J, relative
LARGEST = 1e10  # no step is longer
TRIALS = 40  # evaluations of one search


@dataclass(frozen=True, slots=True)
class Trial:
    """J and its slope at the step α, with the point and the gradient there."""

    step: float
    value: float
    slope: float
    x: Vector
    gradient: Vector


Along = Callable[[float], Trial]


def search(
    objective: Objective, x: Vector, value: float, gradient: Vector, direction: Vector, first: float
) -> Trial | None:
    """The step; where round-off leaves none that satisfies both conditions, the lowest that was tried, and
    None where none is lower than x. `first` is tried first; the direction leads down."""
    lowest = begin = Trial(0.0, value, float(gradient @ direction), x, gradient)

    def along(step: float) -> Trial:
        nonlocal lowest
        at = x + step * direction
        found, slopes = objective(at)
        if not (isfinite(found) and np.isfinite(slopes).all()):
            return Trial(step, inf, inf, at, slopes)
        trial = Trial(step, found, float(slopes @ direction), at, slopes)
        lowest = trial if found < lowest.value else lowest
        return trial

    found = _bracket(along, begin, first)
    return found or (lowest if lowest.step > 0 else None)


def _bracket(along: Along, begin: Trial, step: float) -> Trial | None:
    """Algorithm 3.5: longer steps until one is good enough, or an interval holds one."""
    before = begin
    for number in range(TRIALS):
        trial = along(step)
        if _is_good(begin, trial):
            return trial
        if _too_high(begin, trial) or (number and trial.value >= before.value):
            return _zoom(along, begin, before, trial, TRIALS - number)
        if trial.slope >= 0:
            return _zoom(along, begin, trial, before, TRIALS - number)
        before, step = trial, 2 * step
        if step > LARGEST:
            return None
    return None


def _zoom(along: Along, begin: Trial, low: Trial, high: Trial, trials: int) -> Trial | None:
    """Algorithm 3.6: an interval that shrinks around a good step; `low` is the lower end of it."""
    for _ in range(trials):
        trial = along(_between(low, high))
        if _is_good(begin, trial):
            return trial
        if _too_high(begin, trial) or trial.value >= low.value:
            high = trial
        else:
            high = low if trial.slope * (high.step - low.step) >= 0 else high
            low = trial
        if abs(high.step - low.step) <= 1e-15 * max(abs(high.step), abs(low.step)):
            return None
    return None


def _is_good(begin: Trial, trial: Trial) -> bool:
    if not abs(trial.slope) <= -C2 * begin.slope:
        return False
    alike = trial.value <= begin.value + NOISE * abs(begin.value)
    return not _too_high(begin, trial) or (alike and trial.slope <= (2 * C1 - 1) * begin.slope)


def _too_high(begin: Trial, trial: Trial) -> bool:
    return not trial.value <= begin.value + C1 * trial.step * begin.slope


def _between(low: Trial, high: Trial) -> float:
    """The minimum of the cubic through both ends (Nocedal and Wright, 3.59), kept away from them; the middle
    where there is none."""
    left, right = sorted((low.step, high.step))
    margin = 0.1 * (right - left)
    cubic = _cubic(low, high)
    if cubic is None or not left + margin <= cubic <= right - margin:
        return (left + right) / 2
    return cubic


def _cubic(low: Trial, high: Trial) -> float | None:
    if not (isfinite(high.value) and isfinite(high.slope)):
        return None
    d1 = low.slope + high.slope - 3 * (low.value - high.value) / (low.step - high.step)
    square = d1 * d1 - low.slope * high.slope
    if not 0 <= square < inf:
        return None
    d2 = sqrt(square) if high.step > low.step else -sqrt(square)
    below = high.slope - low.slope + 2 * d2
    return high.step - (high.step - low.step) * (high.slope + d2 - d1) / below if below else None
