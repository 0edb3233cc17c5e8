"""The programs of losses at many θ, verified."""

import pytest
from programs import experiment

from deltaplan.compiler.loops.schedule.axes import Machine
from deltaplan.compiler.loops.stack import stack
from deltaplan.compiler.loops.verify import verify
from deltaplan.compiler.lower import lower

NARROW = ("input 2", "dense 30x5, 1 tanh residual", "output 1")
WIDE = ("input 2", "dense 40, 33 relu", "output 1")


@pytest.mark.parametrize("machine", [Machine(8, 32), Machine(4, 16), Machine(2, 16)], ids=str)
@pytest.mark.parametrize("samples", [1, pytest.param(3, marks=pytest.mark.long), 40, 150])
def test_programs_are_sound(samples, machine):
    for model, lanes in ((NARROW, machine.lanes), (WIDE, 1)):
        net = experiment(*model, inputs=2, minimize="mean(squared_error) + l2(0.1)")
        made = stack(lower(net.graph, "predict"), "double", machine, samples, penalty=True)
        assert made.lanes == lanes
        assert sum(made.counts) == samples
        for program in made.blocks.values():
            verify(program, ["Σ"])
        assert made.penalty is not None
        verify(made.penalty, ["Ω"])


def test_layers_of_narrow_nets_stay_in_registers():
    """One kernel holds several layers, and equal ones are made once."""
    net = experiment(*NARROW, inputs=2)
    made = stack(lower(net.graph, "predict"), "double", Machine(8, 32), 40, penalty=False)
    (program,) = made.blocks.values()
    assert len(program.calls) < 10
    assert len(program.kernels) <= 5
