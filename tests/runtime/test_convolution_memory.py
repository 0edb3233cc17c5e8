"""Convolutions take no memory for the patches of a batch: training fits into half of an im2col matrix."""

import tracemalloc

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.backends.native.bind import NativeBound
from deltaplan.runtime.backends.numpy.bind import bind

SIDE, CHANNELS, KERNEL, BATCH = 24, 8, 5, 32
CONV = f"conv {CHANNELS} kernel={KERNEL} padding=same relu"
PATCHES = SIDE * SIDE * CHANNELS * KERNEL**2 * BATCH  # numbers of one im2col matrix


SPEC = f"""\
model m {{ input {SIDE}x{SIDE}x{CHANNELS}; {CONV}; {CONV}; global_avg_pool; output 2 }}
train {{ minimize mean(squared_error); optimizer sgd(lr=0.1); epochs 1; batch {BATCH} }}
"""


@pytest.fixture(scope="module")
def plan():
    return compile_plans(deltaplan.loads(SPEC)).train


def test_on_the_native_backend(plan):
    theta = np.zeros(plan.trace.length, np.float32)
    program = NativeBound(plan, {"θ": theta, "g": theta.copy()}, BATCH).program
    assert program.arena + program.scratch < PATCHES / 2


def test_on_the_numpy_backend(plan):
    theta = np.zeros(plan.trace.length)
    data = {name: np.zeros((t.size, BATCH)) for name, t in plan.trace.inputs.items()}
    data |= {f"target {name}": np.zeros((t.size, BATCH)) for name, t in plan.trace.targets.items()}
    tracemalloc.start()
    bound = bind(plan, {"θ": theta, "g": theta.copy()}, BATCH, data)
    bound.run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < PATCHES * theta.itemsize / 2
