"""Which trials a sweep has: all combinations in their order, or settings drawn by a seed."""

from math import log

import pytest

import deltaplan
from deltaplan.runtime.sweeps.trials import settings, trials

SPEC = """
param width = 5
param rate = 0.1
param skips = true
param shape = tanh
model m {{ input 1; dense 3, width, width shape residual=skips; output 1 }}
train {{ minimize mean(squared_error); optimizer sgd(lr=rate); epochs 3 }}
sweep {} {{ {} }}
"""


def swept(head: str, lines: str, **params):
    return deltaplan.loads(SPEC.format(head, lines), params=params).sweep


def test_a_grid_has_all_combinations_the_last_axis_fastest_and_seeds_within():
    sweep = swept("", "seed = 4..5; width = [3, 9]; skips = [false, true]")
    given = [trial.given for trial in trials(sweep)]
    assert sweep.trials == len(given) == 8
    assert given[0] == {"width": 3, "skips": False, "seed": 4}
    assert given[1] == {"width": 3, "skips": False, "seed": 5}
    assert given[2] == {"width": 3, "skips": True, "seed": 4}
    assert given[-1] == {"width": 9, "skips": True, "seed": 5}
    assert [trial.number for trial in trials(sweep)] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_without_seeds_the_spec_has_its_own():
    assert [trial.given for trial in trials(swept("", "shape = [relu, tanh]"))] == [
        {"shape": "relu"},
        {"shape": "tanh"},
    ]


def test_a_param_that_is_given_is_swept_no_more():
    sweep = swept("", "width = [3, 9]; seed = 0..1", width=7)
    assert [trial.given for trial in trials(sweep)] == [{"width": 7, "seed": 0}, {"width": 7, "seed": 1}]


def test_draws_lie_between_the_ends_and_follow_their_distribution():
    sweep = swept("random=400", "rate = log_uniform(1e-4, 1); width = uniform(2, 60, whole)")
    drawn = list(settings(sweep))
    assert len(drawn) == 400
    logs = [log(values["rate"], 10) for values in drawn]
    for decade in range(4):  # a quarter of 400 each, with a standard deviation of 9
        assert 65 < sum(-decade - 1 <= value < -decade for value in logs) < 135
    widths = [values["width"] for values in drawn]
    assert all(isinstance(width, int) for width in widths)
    assert (min(widths), max(widths)) == (2, 60)
    assert all(float(f"{values['rate']:.4g}") == values["rate"] for values in drawn)


def test_a_longer_sweep_begins_with_the_draws_of_a_shorter_one():
    axes = "rate = uniform(0, 1); shape = [relu, tanh]"
    short, long = (list(settings(swept(f"random={n}", axes))) for n in (5, 9))
    other = list(settings(swept("random=5 seed=1", axes)))
    assert long[:5] == short
    assert other != short


def test_no_setting_is_drawn_twice_and_all_are_taken_where_they_are_few():
    few = list(settings(swept("random=5", "width = 1..3; skips = [false, true]")))
    assert len({tuple(values.items()) for values in few}) == 5
    every = swept("random=50", "width = 1..3; skips = [false, true]; seed = 0..9")
    assert every.trials == len(trials(every)) == 60


@pytest.mark.parametrize("ends", ["(2, 4, whole)", "(2, 4, whole=true)"])
def test_whole_distributions_hold_both_ends(ends):
    sweep = swept("random=9", f"width = uniform{ends}")
    assert sorted(values["width"] for values in settings(sweep)) == [2, 3, 4]
