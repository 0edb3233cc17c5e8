"""A schedule: a number at all times, and training with it."""

from collections.abc import Iterator
from math import isfinite

from deltaplan.plugins.contracts import Schedule
from deltaplan.plugins.expressions import evaluate
from deltaplan.plugins.settings import TIMES, call, numbers
from deltaplan.testing.nets import Net, check_training
from deltaplan.testing.report import Result

LONG = 1000


def checks(schedule: Schedule) -> Iterator[Result]:
    lists = {p.name: list(TIMES) for p in schedule.parameters if p.type == "numbers"}
    for t in (*range(20), LONG):
        value = evaluate(schedule.expression, {**numbers(schedule), **lists, "t": float(t)})
        if not (isinstance(value, float) and isfinite(value)):
            yield Result("values", "failed", f"it is {value} at t = {t}")
            return
    yield Result("values", "passed", f"finite for t from 0 to 19 and at {LONG}")
    yield from check_training(Net(schedule, optimizer=f"sgd(lr={call(schedule)})"))
