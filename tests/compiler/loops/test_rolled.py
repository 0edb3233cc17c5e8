"""Programs of equal layers are those of the whole plan, call by call."""

import pytest
from deep_nets import BODIES, plans

from deltaplan.compiler.loops.calls import Rolled, Spot
from deltaplan.compiler.loops.rolled import Work, scheduled
from deltaplan.compiler.loops.runs import runs
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.schedule.few import axes_of
from deltaplan.compiler.loops.training import total_of
from deltaplan.compiler.steps import Map, Tensor
from deltaplan.plugins.expressions import argument

MACHINE = Machine(4, 16)


def told(program):
    """All calls: which kernel, told by its text, on which memory."""
    calls = []
    for run in runs(program.calls):
        for turn in range(run.times):
            for number, call in enumerate(run.calls):
                moves = run.steps[number] if run.steps else (0,) * len(call.spots)
                spots = [(s.space, s.offset + turn * m) for s, m in zip(call.spots, moves, strict=True)]
                calls.append((call.kernel.body, tuple(spots)))
    return calls


def check(work, axes):
    found, whole = scheduled(work, axes, {}), work.whole(axes, {})
    assert isinstance(found.calls, Rolled)
    assert told(found) == told(whole)
    assert (found.arena, found.scratch) == (whole.arena, whole.scratch)
    assert set(found.spaces) == set(whole.spaces)
    assert [found.spots[t.name] for t in work.kept] == [whole.spots[t.name] for t in work.kept]
    return found, whole


@pytest.mark.parametrize("layers", [60, 61])
@pytest.mark.parametrize("name", BODIES)
def test_of_training(name, layers):
    plan = plans(name, layers).train
    for axes in (Axes(40, MACHINE), axes_of(plan.steps, 3, MACHINE)):
        check(Work(plan, (*plan.kept, total_of(plan))), axes)


@pytest.mark.parametrize("objective", ["mean(squared_error) + l2(0.1)", "mean(squared_error) + l1(0.1)"])
def test_with_penalties(objective):
    plan = plans("residual", 60, objective).train
    check(Work(plan, (*plan.kept, total_of(plan)), 1), Axes(40, MACHINE))


def test_of_evaluation_with_steps_behind_it():
    """The sum of the samples' losses, as what is followed during training asks for it."""
    plan = plans("residual", 60).evaluate
    loss, total = plan.trace.sample_loss, Tensor("%twice", (), batched=True)
    more = (Map(inputs=(loss,), outputs=(total,), expressions=(2 * argument("x0"),)),)
    found, _ = check(Work(plan, (total,), more=more, places={total: Spot("out", 0)}), Axes(40, MACHINE))
    assert found.spots["%twice"] == Spot("out", 0)


def test_what_is_read_of_one_layer_is_scheduled_step_by_step():
    plan = plans("residual", 60).evaluate
    (own, *_) = [t for t in plan.of_layer(plan.repeats.begin + 25) if t.name.startswith("z")]
    out = Tensor("%twice", own.shape, batched=True)
    more = (Map(inputs=(own,), outputs=(out,), expressions=(2 * argument("x0"),)),)
    for work in (
        Work(plan, (out,), more=more, places={out: Spot("out", 0)}),
        Work(plan, (*plan.kept, own)),
    ):
        found = scheduled(work, Axes(40, MACHINE), {})
        assert not isinstance(found.calls, Rolled)
        assert told(found) == told(work.whole(Axes(40, MACHINE), {}))


def test_calls_and_places_can_be_looked_at():
    plan = plans("residual", 60).train
    found, whole = check(Work(plan, plan.kept), Axes(40, MACHINE))
    assert len(found.calls) == len(whole.calls)
    assert [c.tensors for c in found.calls] == [c.tensors for c in whole.calls]
    assert found.calls[70:80] == found.calls[70:90][:10]
    assert dict(found.spots) == dict(whole.spots)
