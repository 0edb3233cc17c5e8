"""Expressions cut at their reductions: stage by stage they give the value of the whole, and its gradient."""

import math
from math import inf

import pytest

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import COUNT, argument, evaluate, split_reductions, to_text

u, y = argument("u"), argument("y")
index, k = argument("y", scalar=True), argument("k", scalar=True)


def run(expr, values):
    """The value by the stages, as a compiler would have it."""
    cut, n = split_reductions(expr), len(values["u"])
    known = dict(values) | {COUNT: float(n)}
    for stage in cut.stages:
        element = evaluate(stage.element, known)
        element = element if isinstance(element, list) else [element] * n
        if stage.kind == "pick":
            known[stage.result] = element[int(evaluate(stage.index, known))]
        else:
            known[stage.result] = (
                sum(element) if stage.kind == "sum" else evaluate(ex.amax(u), {"u": element})
            )
    return evaluate(cut.result, known)


@pytest.mark.parametrize(
    ("expr", "values"),
    [
        (ex.sum((u - y) ** 2) / 2, {"u": [1.0, 2.0, 4.0], "y": [0.0, 2.0, 1.0]}),
        (ex.mean((u - ex.mean(u)) ** 2), {"u": [1.0, 2.0, 4.0]}),
        (ex.logsumexp(u) - ex.pick(u, index), {"u": [1.0, 2.0, 4.0], "y": 1.0}),
        (ex.logsumexp(u), {"u": [1000.0, 1001.0]}),
        (ex.logsumexp(u), {"u": [-inf, -inf]}),
        (ex.logsumexp(u), {"u": [-inf, 3.0]}),
        (ex.logsumexp(u), {"u": [inf, 3.0]}),
        (ex.amax(u * k) + ex.sum(k), {"u": [1.0, 3.0], "k": -2.0}),
        (ex.logsumexp(k) + ex.sqrt(ex.sum(u * u)), {"u": [3.0, 4.0], "k": 2.0}),
        (ex.log(ex.sum(ex.exp(ex.logsumexp(u) - u))), {"u": [0.5, -1.0]}),
    ],
)
def test_the_stages_give_the_value(expr, values):
    assert run(expr, values) == pytest.approx(evaluate(expr, values), rel=1e-14)


def test_nan_goes_through_logsumexp():
    assert math.isnan(run(ex.logsumexp(u), {"u": [1.0, math.nan]}))


def test_what_a_cut_looks_like():
    cut = split_reductions(ex.mean((u - ex.mean(u)) ** 2))
    assert [(s.result, s.kind, to_text(s.element)) for s in cut.stages] == [
        ("#1", "sum", "u"),
        ("#2", "sum", "(u - #1/#n)^2"),
    ]
    assert to_text(cut.result) == "#2/#n"


def test_the_largest_of_a_logsumexp_is_stopped():
    stops = [(s.kind, s.stop) for s in split_reductions(ex.logsumexp(u)).stages]
    assert stops == [("max", True), ("sum", False)]
    assert not split_reductions(ex.amax(u)).stages[0].stop


def test_equal_reductions_are_one_stage():
    assert len(split_reductions(ex.sum(u) * ex.sum(u) + ex.sum(u)).stages) == 1


def test_logsumexp_of_nothing_but_minus_infinity_has_slope_0():
    cut = split_reductions(ex.logsumexp(u))
    known = {"u": -inf, "#1": -inf, "#2": 0.0}
    seed = evaluate(ex.derivative(cut.result, "#2"), known)
    flow = ex.gradient(cut.stages[1].element, ["u"], argument("g"))[0]
    assert evaluate(flow, known | {"g": seed}) == 0.0


def test_no_stage_holds_a_reduction():
    cut = split_reductions(ex.logsumexp(u - ex.logsumexp(u)) + ex.pick(u, index))
    for e in ex.walk(cut.result, *(s.element for s in cut.stages)):
        assert e.op not in ex.REDUCTIONS
