"""Lists of steps run as machine code, every memory between guards that must stay as they are."""

from functools import cache

import numpy as np
from programs import random_values, run

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.loops.llvm.calls import spaces_of
from deltaplan.compiler.loops.llvm.run import write_run
from deltaplan.compiler.loops.program import Spot
from deltaplan.compiler.loops.program import program as loops_program
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.verify import verify
from deltaplan.compiler.steps import View
from deltaplan.runtime.backends.native.engine import Library, compile_text
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.backends.numpy.program import aligned

KINDS = {"float32": "float", "float64": "double"}
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
GUARD = 64  # numbers before and behind each memory
MARK = -1.2345e30


class Guarded:
    """Memory for `count` numbers, full of NaN, between guards."""

    def __init__(self, count, dtype):
        self._all = aligned(count + 2 * GUARD, np.dtype(dtype))
        self._all.fill(MARK)
        self.numbers = self._all[GUARD : GUARD + count]
        self.numbers.fill(np.nan)

    @property
    def intact(self):
        guards = np.concatenate([self._all[:GUARD], self._all[len(self._all) - GUARD :]])
        return bool((guards == np.asarray(MARK, guards.dtype)).all())


@cache
def library(program, kind):
    target = host()
    return Library(compile_text(write_run(program.value, kind, target.width), target), target)


class Keyed:
    """A program as a key of the cache: by what it is written as."""

    def __init__(self, program, kind):
        self.value, self.text = program, write_run(program, kind, host().width)

    def __hash__(self):
        return hash(self.text)

    def __eq__(self, other):
        return self.text == other.text


def run_native(steps, values, wanted, batch=3, dtype="float64", inner="features", fused=True, reuse=True):
    """The values of the wanted tensors, [*shape, batch] where batched, from machine code."""
    axes = Axes(batch, host().schedule(np.dtype(dtype).itemsize), inner=inner)
    outside = {t: Spot(f"leaf {t.name}", 0) for t in values}
    made = loops_program(steps, outside, wanted, axes, {}, fused=fused, reuse=reuse)
    alias = aliases(steps)
    verify(made, [alias.get(t.name, t).name for t in wanted])
    memory = {"arena": Guarded(made.arena, dtype), "scratch": Guarded(made.scratch, dtype)}
    for tensor, value in values.items():
        memory[f"leaf {tensor.name}"] = Guarded(axes.numbers(tensor), dtype)
        seen(memory[f"leaf {tensor.name}"].numbers, tensor, axes)[...] = value
    spaces = spaces_of(made)
    table = np.array([memory[name].numbers.ctypes.data for name in spaces] or [0], np.uintp)
    library(Keyed(made, KINDS[dtype]), KINDS[dtype]).function("run", ["ptr"])(table.ctypes.data)
    assert all(m.intact for m in memory.values()), "written outside of a memory"
    found = []
    for tensor in wanted:
        spot = made.spots[alias.get(tensor.name, tensor).name]
        numbers = memory[spot.space].numbers[spot.offset : spot.offset + axes.numbers(tensor)]
        found.append(seen(numbers, tensor, axes).copy())
    return found


def seen(numbers, tensor, axes):
    """[*shape, batch] of a tensor's numbers in memory."""
    if not tensor.batched:
        return numbers.reshape(tensor.shape)
    if axes.by_features:
        return np.moveaxis(numbers.reshape(axes.batch, *tensor.shape), 0, -1)
    return numbers.reshape(*tensor.shape, axes.batch)


def assert_as_numpy(steps, leaves, batch=3, dtype="float64", seed=0, **options):
    """Every tensor is what numpy makes of the same numbers: step by step, and fused with memory reused."""
    values = random_values(leaves, batch, seed)
    values = {t: v.astype(dtype) if t.kind == "real" else v for t, v in values.items()}
    every = [t for step in steps if not isinstance(step, View) for t in step.outputs]
    read = {t for step in steps for t in step.inputs}
    for wanted, fused in ((every, False), ([t for t in every if t not in read], True)):
        expected = run(steps, values, wanted, batch=batch, dtype=np.dtype(dtype))
        given = run_native(steps, values, wanted, batch, dtype, fused=fused, reuse=fused, **options)
        for tensor, a, b in zip(wanted, expected, given, strict=True):
            assert_close(a, b, dtype, tensor.name)


def assert_close(expected, given, dtype, name=""):
    finite = expected[np.isfinite(expected)]
    floor = TOLERANCE[dtype] * max(np.abs(finite).max(initial=0.0), 1e-3)
    np.testing.assert_allclose(given, expected, rtol=0, atol=floor, err_msg=name)
