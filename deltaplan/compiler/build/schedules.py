"""Schedules once the length of the run is known: their times are put in, and what they give is checked."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import ClassVar, Literal

from deltaplan.compiler.build.context import Context
from deltaplan.compiler.nodes import Use, nested
from deltaplan.compiler.schedules import scheduled
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.plugins.contracts import Parameter
from deltaplan.plugins.expressions import evaluate

SAMPLES = 64  # times at which a schedule is looked at, besides those that it names


@mistake
class ScheduleOutOfBounds(Diagnostic):
    code: ClassVar[str] = "schedule-out-of-bounds"
    title: ClassVar[str] = "`{name}` of `{owner}` must be {condition}, and is {value} in {unit} {time:,}"
    name: str
    owner: str
    condition: str
    value: str
    unit: str
    time: int


def with_length(use: Use, length: int) -> Use:
    """The use with the length of the run where its schedules leave a time open."""
    times = {p.name: length for p in use.contract.parameters if p.type == "length"}
    inner = {n: with_length(v, length) if isinstance(v, Use) else v for n, v in use.values.items()}
    return replace(use, values={**times, **inner})


def check_schedules(context: Context, optimizer: Use, unit: Literal["epochs", "steps"], length: int) -> None:
    """Tells of each setting that its schedule brings out of its bounds."""
    for use in nested(optimizer):
        for parameter in use.contract.parameters:
            value = use.values.get(parameter.name)
            if isinstance(value, Use):
                _check(context, use, parameter, value, unit, length)


def _check(
    context: Context,
    owner: Use,
    parameter: Parameter,
    schedule: Use,
    unit: Literal["epochs", "steps"],
    length: int,
) -> None:
    expression = scheduled(schedule, unit)
    for time in _times(schedule, length):
        value = evaluate(expression, {"epoch": time, "t": time + 1})
        assert isinstance(value, float)
        if not parameter.allows(value):
            context.refuse(
                ScheduleOutOfBounds(
                    span=schedule.span,
                    name=parameter.name,
                    owner=owner.name,
                    condition=parameter.condition.removeprefix("a number, "),
                    value=f"{value:.4g}",
                    unit=unit.removesuffix("s"),
                    time=time + 1,
                )
            )
            return


def _times(schedule: Use, length: int) -> list[int]:
    """Times of the run at which the value may be at an extreme: some of all, and those around each number
    that the schedule names, which may be a time."""
    found = {round(i * (length - 1) / (SAMPLES - 1)) for i in range(SAMPLES)}
    found |= {ceil(number) + i for number in _numbers(schedule) if number < length for i in (-1, 0, 1)}
    return sorted(time for time in found if 0 <= time < length)


def _numbers(schedule: Use) -> Iterator[float]:
    for use in nested(schedule):
        for value in use.values.values():
            if isinstance(value, int | float):
                yield value
            elif isinstance(value, tuple):
                yield from value
