"""Solvers: they see the whole objective, and choose the points that they ask for."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from deltaplan.plugins.api import Iterate, Objective, number, solver, whole
from deltaplan.plugins.builtin.search import lbfgs as memory
from deltaplan.plugins.builtin.search import newton, wolfe

Vector = np.ndarray[Any, np.dtype[np.float64]]
HALVINGS = 60


@solver(
    "lbfgs",
    numbers=lambda n, history, tolerance: (2 * history + 6) * n,
    history=whole(10, minimum=1),
    tolerance=number(1e-7, minimum=0),
)
def lbfgs(objective: Objective, x: Vector, history: int, tolerance: float) -> Iterator[Iterate]:
    """limited-memory BFGS, steps by the strong Wolfe conditions  (Liu and Nocedal, 1989)

    until no slope is over the tolerance"""
    value, gradient = objective(x)
    pairs: deque[memory.Pair] = deque(maxlen=history)
    while np.abs(gradient).max() > tolerance:
        direction = memory.direction(gradient, pairs)
        if not gradient @ direction < 0:
            pairs.clear()
            direction = -gradient
        first = 1.0 if pairs else min(1.0, 1 / float(np.abs(gradient).sum()))
        found = wolfe.search(objective, x, value, gradient, direction, first)
        if found is None:
            if not pairs:
                return
            pairs.clear()
            continue
        memory.remember(pairs, found.x - x, found.gradient - gradient)
        x, value, gradient = found.x, found.value, found.gradient
        yield Iterate(x, value, gradient)


@solver(
    "exact",
    exact=True,
    numbers=lambda n, tolerance: 4 * n * n,
    tolerance=number(1e-10, minimum=0),
)
def exact(objective: Objective, x: Vector, tolerance: float) -> Iterator[Iterate]:
    """Newton's method, for what is convex in the trained parameters: least squares take one step"""
    # ‖∇J‖ is brought to tolerance · max(1, ‖∇J‖ at the beginning), and then as low as one step more can.
    value, gradient = objective(x)
    size = first = float(np.linalg.norm(gradient))
    done = False
    while size > 0 and not done:
        done = size <= tolerance * max(1.0, first)
        direction = newton.direction(objective.hessian(x), gradient)
        found = _downhill(objective, x, value, gradient, direction)
        if found is None or (done and np.linalg.norm(found.gradient) >= size):
            return
        x, value, gradient = found.x, found.value, found.gradient
        size = float(np.linalg.norm(gradient))
        yield found


def _downhill(
    objective: Objective, x: Vector, value: float, gradient: Vector, direction: Vector
) -> Iterate | None:
    """The first of the steps 1, ½, ¼, … that lowers J as much as its slope promises, or J as far as it can be
    told and the gradient; None if none does."""
    slope, size = float(gradient @ direction), float(np.linalg.norm(gradient))
    noise = 8 * np.finfo(np.float64).eps * abs(value)
    for halving in range(HALVINGS):
        step = 0.5**halving
        at = x + step * direction
        found, slopes = objective(at)
        flat = found <= value + noise and np.linalg.norm(slopes) < size
        if found <= value + 1e-4 * step * slope or flat:
            return Iterate(at, found, slopes)
    return None
