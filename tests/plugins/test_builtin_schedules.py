"""The built-in schedules against their formulas by hand, and what a schedule may not be."""

import math

import pytest

from deltaplan.compiler.nodes import Use
from deltaplan.compiler.schedules import scheduled
from deltaplan.diagnostics import PluginError, Source, Span
from deltaplan.plugins.api import activation, amax, length, logsumexp, mean, numbers, schedule, sum, where
from deltaplan.plugins.expressions import evaluate
from deltaplan.plugins.loader import builtin_registry

REGISTRY = builtin_registry()
SPAN = Span(Source("test", ""), 0, 0)


def use(contract, **values):
    defaults = {p.name: p.default for p in contract.parameters if p.default is not None}
    return Use(contract, defaults | values, SPAN)


def built_in(name, **values):
    return use(REGISTRY.find("schedule", name), **values)


def path(found, times):
    """The values in the epochs after so many."""
    expression = scheduled(found, "epochs")
    return [evaluate(expression, {"epoch": time}) for time in times]


CASES = {
    "step": ({"base": 2.0, "at": (3.0, 5.0), "factor": 0.1}, [2, 2, 2, 0.2, 0.2, 0.02, 0.02, 0.02]),
    "linear": ({"base": 1.0, "end": 0.2, "over": 4}, [1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2, 0.2]),
    "cosine": (
        {"base": 1.0, "end": 0.5, "over": 6},
        [0.75 + 0.25 * math.cos(math.pi * t / 6) for t in range(6)] + [0.5, 0.5],
    ),
    "warmup": ({"base": 0.9, "over": 3}, [0.3, 0.6, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]),
    "inv": ({"base": 3.0, "decay": 0.5, "power": 2.0}, [3 / (1 + 0.5 * t) ** 2 for t in range(8)]),
}


@pytest.mark.parametrize("name", REGISTRY.names("schedule"))
def test_built_in_schedules(name):
    values, expected = CASES[name]
    assert path(built_in(name, **values), range(8)) == pytest.approx(expected, rel=1e-14)


def test_a_schedule_in_a_schedule():
    inner = built_in("linear", base=1.0, over=4)
    found = built_in("warmup", base=inner, over=2)
    assert path(found, range(5)) == pytest.approx([0.5, 0.75, 0.5, 0.25, 0], rel=1e-14)


def test_steps_are_counted_from_the_first():
    """t is 1 in the first step, before which there was none."""
    expression = scheduled(built_in("linear", base=1.0, over=4), "steps")
    assert [evaluate(expression, {"t": t}) for t in (1, 2, 5, 9)] == [1, 0.75, 0, 0]


def test_every_reduction_over_a_list():
    @schedule("odd", at=numbers())
    def odd(t, at):
        return (
            sum(at * t) + 10 * mean(at) + 100 * amax(at) + logsumexp(at) * 1000 + sum(at / amax(at)) + sum(3)
        )

    at = (1.0, 2.0, 5.0)
    expected = 8 * 2 + 80 / 3 + 500 + 1000 * math.log(_sum_exp(at)) + 8 / 5 + 9
    assert path(use(odd, at=at), [2]) == pytest.approx([expected], rel=1e-14)


def _sum_exp(values):
    return math.fsum(map(math.exp, values))


def test_a_long_list_is_no_deep_expression():
    at = tuple(float(i) for i in range(1000))
    assert path(built_in("step", base=1.0, at=at, factor=0.5), [0, 9.5]) == [0.5, 0.5**10]


def test_two_lists_are_refused():
    with pytest.raises(PluginError, match="`at`, `to` are lists, and a schedule takes one at most"):

        @schedule("two", at=numbers(), to=numbers())
        def two(t, at, to):
            return sum(where(t >= at, to, 0))


@pytest.mark.parametrize(("declared", "told"), [(numbers(), "a list of numbers"), (length(), "a time")])
def test_only_schedules_take_lists_and_times(declared, told):
    with pytest.raises(PluginError, match=f"`k` is {told}.*, which only a schedule takes"):

        @activation("listed", k=declared)
        def listed(u, k):
            return u * k


def test_a_schedule_is_one_number():
    with pytest.raises(PluginError, match=r"scalar|one number"):

        @schedule("many", at=numbers())
        def many(t, at):
            return t * at
