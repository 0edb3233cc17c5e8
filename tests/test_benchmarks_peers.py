"""The peers of the benchmarks, where they are installed, train the net that deltaplan trains."""

from importlib import import_module

import numpy as np
import pytest

from benchmarks.contenders import ENTRIES, entered, ours
from benchmarks.contest import Bar, Contender, contest
from benchmarks.races import RACES
from benchmarks.workloads import deep, named, w1
from deltaplan.runtime.train import train

RACE = [(name, race) for name, races in RACES.items() for race in races]


def by_layer(work, result):
    """What a peer gives, θ or blocks (W, b) in turns or in pairs, as arrays in turns."""
    if isinstance(result, np.ndarray):
        found = named(work.experiment, result)
        layers = [name.removesuffix(".W") for name in found if name.endswith(".W")]
        return [found[f"{layer}.{letter}"] for layer in layers for letter in "Wb"]
    flat = [b for a in result for b in (a if isinstance(a, tuple) else (a,))]
    return [np.asarray(b.detach() if hasattr(b, "detach") else b) for b in flat]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # theirs, not ours
@pytest.mark.parametrize("peer", ["numba", "jax", "torch"])
def test_a_peer_trains_the_same_net(peer):
    pytest.importorskip(peer)
    work = w1("float64", 10)
    (contender,) = import_module(f"benchmarks.contenders.{ENTRIES[peer].module}").residual(work).values()
    expected = by_layer(work, train(work.experiment, work.dataset, work.plans, backend="numpy").theta)
    for found, block in zip(by_layer(work, contender.run(10)), expected, strict=True):
        np.testing.assert_allclose(found, block, rtol=0, atol=1e-12 * np.abs(block).max())


@pytest.mark.parametrize(("name", "race"), RACE, ids=[f"{name}-{race.title}" for name, race in RACE])
def test_every_race_has_deltaplan_and_what_its_bars_name(name, race):
    """Those that need nothing but this checkout."""
    work = race.make()
    found = entered(race.task, work, ("c", "deltaplan", "numpy")) if ENTRIES["c"].installed() else {}
    if not found:
        pytest.skip("the references are compiled by gcc")
    assert {"deltaplan", race.reference} <= set(found)
    assert race.operations(work) > 0


def test_the_stages_from_plans_to_machine_code():
    stages = ours.code(deep(3))
    found = {name: stage() for name, stage in stages.items()}
    assert "define" in found["LLVM's text alone"]
    assert sum(map(len, found[ours.ALL])) > 1000


class Clock:
    """Time that passes only when it is told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def works(self, before, each):
        """A run that takes so long before its units, and for each of them."""

        def run(units):
            self.now += before + each * units

        return run


def test_a_contest_counts_steps_and_leaves_out_what_is_around_them():
    clock = Clock()
    results = contest(
        {
            "plain": Contender(clock.works(0, 2.0), 8, steps=4, units=4),
            "marginal": Contender(clock.works(100.0, 3.0), 8, units=4, marginal=True),
        },
        turns=3,
        clock=clock,
    )
    assert results["plain"].seconds == [0.5] * 3
    assert results["marginal"].seconds == [3.0] * 3
    assert results["marginal"].ratio(results["plain"]) == 6.0


def test_a_bar_is_met_drawn_or_missed():
    bar = Bar("c", 1.0, 1.1)
    assert [bar.verdict(ratio) for ratio in (0.9, 1.0, 1.05, 1.2)] == ["met", "met", "tie", "missed"]
    assert Bar("c", 1.15).verdict(1.2) == "missed"
