"""An optimizer: a step without a gradient, and training with it. A solver: that it gets somewhere."""

from collections.abc import Iterator
from math import isfinite

from deltaplan.plugins.contracts import Optimizer, Solver
from deltaplan.plugins.expressions import evaluate
from deltaplan.plugins.settings import call, numbers
from deltaplan.testing.nets import Net, check_training
from deltaplan.testing.report import Result

WEIGHTS, GRADIENTS = (0.0, 0.5, -2.0), (0.0, 1.0, -1e-3, 1e3, -1e-300)


def checks(optimizer: Optimizer | Solver) -> Iterator[Result]:
    if isinstance(optimizer, Solver):
        yield _check_solver(optimizer)
        return
    yield _check_steps(optimizer)
    yield from check_training(Net(optimizer, optimizer=call(optimizer)))


def _check_steps(optimizer: Optimizer) -> Result:
    """The first two steps, in float64, for small, large and no gradients."""
    for w in WEIGHTS:
        for g in GRADIENTS:
            values = {
                **numbers(optimizer),
                "w": w,
                "g": g,
                "is_weight": 1.0,
                **dict.fromkeys(optimizer.state, 0.0),
            }
            for t in (1.0, 2.0):
                new = {n: evaluate(e, {**values, "t": t}) for n, e in optimizer.update.items()}
                for name, value in new.items():
                    if not (isinstance(value, float) and isfinite(value)):
                        text = f"the new {name} is {value} at w = {w:g}, g = {g:g}, t = {t:g}"
                        return Result("steps", "failed", text)
                values |= new  # type: ignore[arg-type]
    return Result("steps", "passed", f"finite for {len(WEIGHTS) * len(GRADIENTS)} pairs of w and g")


def _check_solver(solver: Solver) -> Result:
    """The loss of a straight line falls; what is `exact` has no length."""
    length = "" if solver.exact else "steps 20"
    run = Net(solver, layers="", optimizer=call(solver), length=length).train("numpy")
    first, last = run.history[0]["loss"], run.history[-1]["loss"]
    if not last <= first:
        return Result("training", "failed", f"the loss goes from {first:.6g} to {last:.6g}")
    return Result("training", "passed", f"the loss goes from {first:.4g} to {last:.4g}")
