"""Which layers of a plan are found to be alike."""

import pytest
from deep_nets import BODIES, plans, plans_of

from deltaplan.compiler.repeats import LEAST


def layers_of(plan):
    return plan.repeats.end - plan.repeats.begin


@pytest.mark.parametrize("name", BODIES)
def test_almost_all_layers_are_found(name):
    plan = plans(name, 60).train
    assert 55 <= layers_of(plan) <= 60
    assert sum(times for _, times in plan.distinct()) == len(plan.steps)


def test_each_layer_has_tensors_of_its_own():
    plan = plans("residual", 60).train
    found = [plan.of_layer(layer) for layer in range(plan.repeats.begin, plan.repeats.end)]
    names = [{tensor.name for tensor in each} for each in found]
    assert len(set().union(*names)) == sum(map(len, names))
    weights = [next(t.name for t in each if t.name.startswith("W")) for each in found]
    gradients = [next(t.name for t in each if t.name.startswith("∂W")) for each in found]
    numbers = [int(name.removeprefix("W")) for name in weights]
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    assert len({int(g.removeprefix("∂W")) - n for g, n in zip(gradients, numbers, strict=True)}) == 1


def test_the_backward_pass_goes_through_them_in_reverse():
    forward, backward = plans("residual", 60).train.repeats.stretches
    assert (forward.sign, backward.sign) == (1, -1)
    assert forward.begin < backward.begin


def test_a_short_net_has_none():
    assert plans("residual", LEAST // 2).train.repeats is None


def test_layers_that_draw_numbers_of_their_own_are_not_alike():
    assert plans("dense 5 tanh\n dropout 10%", 60).train.repeats is None


def test_a_layer_that_another_reads_divides_them():
    """Of 30 layers, one that is read at the end too, and 60 layers, the sixty are left."""
    row = "repeat {} {{\n dense 5 tanh\n }}\n"
    model = (
        row.format(30)
        + "seen = dense 5 tanh\n"
        + row.format(60)
        + "late = dense 5 tanh\n add from seen, late"
    )
    plan = plans_of(f"dense 5 tanh\n {model}").train
    assert 55 <= layers_of(plan) <= 61
    assert min(int(t.name[1:]) for t in plan.of_layer(plan.repeats.begin) if t.name.startswith("W")) > 31


def test_evaluation_has_them_too():
    assert 55 <= layers_of(plans("residual", 60).evaluate) <= 60
