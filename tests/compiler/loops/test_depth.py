"""Code does not grow with depth: equal layers share kernels and stand in one loop."""

import re

import numpy as np
import pytest
from counted import calls

import deltaplan
from deltaplan.compiler.loops.llvm.train import write_training
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.backends.native.target import named
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.native_code import training_of

SPEC = """\
model deep {{ input 2; dense {layers}x5, 1 leaky_relu(0.01) residual; output 1 }}
train {{ minimize mean(squared_error); optimizer adam(lr=0.01); epochs 5; batch {batch}; seed 1 }}
"""


TARGET = named("avx2")


def planned(layers, batch):
    """What a training loop is made from."""
    experiment = deltaplan.loads(SPEC.format(layers=layers, batch=batch), "deep.dl")
    x = np.linspace(-1, 1, 80).reshape(40, 2)
    return experiment, dataset_from_memory(experiment, x, x[:, :1]), compile_plans(experiment), TARGET


def code_of(layers, batch):
    """The distinct kernels of a training loop, and its text without numbers."""
    made = training_of(*planned(layers, batch))
    text = write_training(made, TARGET.width)
    kernels = {kernel.name for program in made.programs for kernel in program.kernels}
    return kernels, re.sub(r"\d+", "", text)


@pytest.mark.parametrize(
    ("batch", "few", "many"),
    [
        ("full", 20, 200),
        ("16", 20, 200),
        ("2", 20, 200),
        pytest.param("full", 100, 1000, marks=pytest.mark.long),
    ],
)
def test_ten_times_the_layers_are_the_same_code(batch, few, many):
    kernels, text = code_of(few, batch)
    more, longer = code_of(many, batch)
    assert more == kernels
    assert len(longer) <= 1.1 * len(text)


def test_five_times_the_layers_are_little_more_work():
    """From the plan on: what remains is to look for the tensors of the few layers that are scheduled."""

    def work(layers):
        given = planned(layers, "full")
        training_of(*given)  # what is made once
        return calls(lambda: write_training(training_of(*given), TARGET.width))

    assert work(300) < 1.1 * work(60)
