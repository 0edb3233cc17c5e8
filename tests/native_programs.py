"""Lists of steps run as machine code, every memory between guards that must stay as they are."""

from functools import cache

import llvmlite.binding as llvm
import numpy as np
from programs import random_values, run

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.llvm.run import write_run
from deltaplan.compiler.loops.program import program as loops_program
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.verify import verify
from deltaplan.compiler.steps import View
from deltaplan.runtime.backends.native.engine import compile_text
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.memory import counter_of, numbers_of
from deltaplan.runtime.backends.native.target import Target, host, named
from deltaplan.runtime.backends.numpy.program import aligned
from deltaplan.runtime.patterns import table
from deltaplan.runtime.random import Purpose

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


class Native:
    """The program of a list of steps, verified, over memory of its own. `values` are those of its leaves,
    [*shape, batch] where batched; with nets, [*shape, batch, nets] of those that they do not share."""

    def __init__(
        self, steps, values, wanted, batch=3, dtype="float64", target=None, fused=True, reuse=True, **axes
    ):
        self.dtype, self.target = np.dtype(dtype), target or host()
        self.alias = aliases(steps)
        self.axes = Axes(batch, self.target.schedule(self.dtype.itemsize), **axes)
        outside = {t: Spot(f"leaf {t.name}", 0) for t in values}
        self.program = loops_program(steps, outside, wanted, self.axes, {}, fused=fused, reuse=reuse)
        there = ["arena"] if self.axes.accumulate else []
        kept = [self.alias.get(t.name, t).name for t in wanted]
        verify(self.program, kept, given=[*there, *(spot.space for spot in outside.values())])
        self.memory = {"arena": Guarded(self.program.arena, dtype)}
        self.memory["scratch"] = Guarded(self.program.scratch, dtype)
        for tensor, value in values.items():
            self.memory[f"leaf {tensor.name}"] = held = Guarded(self.axes.numbers(tensor), dtype)
            seen(held.numbers, tensor, self.axes)[...] = value
        self.tables = {found.name: table(found) for found in self.program.tables}
        self.tables |= {"counter": counter_of(0, Purpose.DROPOUT)}
        self.tables |= {"samples": numbers_of(np.arange(batch), self.dtype)}

    def run(self):
        arrays = self.tables | {name: held.numbers for name, held in self.memory.items()}
        pointers = [arrays[name].ctypes.data for name in self.program.spaces]
        text = write_run(self.program, KINDS[self.dtype.name], self.target.width)
        run = library(text, self.target, Target.lent).function("run", ["ptr"])
        run(np.array(pointers or [0], np.uintp).ctypes.data)
        assert all(held.intact for held in self.memory.values()), "written outside of a memory"

    def __getitem__(self, tensor):
        spot = self.program.spots[self.alias.get(tensor.name, tensor).name]
        numbers = self.memory[spot.space].numbers[spot.offset : spot.offset + self.axes.numbers(tensor)]
        return seen(numbers, tensor, self.axes).copy()


@cache
def library(text, target, lent):
    """Compiled once for each effort: `lent` is another function where it is the lowest."""
    return Library([compile_text(text, target)], target)


def run_native(steps, values, wanted, batch=3, dtype="float64", **options):
    """The values of the wanted tensors from machine code."""
    native = Native(steps, values, wanted, batch, dtype, **options)
    native.run()
    return [native[tensor] for tensor in wanted]


def seen(numbers, tensor, axes):
    """[*shape, batch] of a tensor's numbers in memory, and the nets last."""
    shape = axes.shape(tensor, tensor.shape)
    found = numbers.reshape(shape)
    return np.moveaxis(found, 0, -1) if axes.by_features and tensor.batched else found


def written(steps):
    """The tensors that have memory when each step is a kernel."""
    return [t for step in steps if not isinstance(step, View) for t in step.outputs]


def assert_as_numpy(steps, leaves, batch=3, dtype="float64", seed=0, inner="features", **options):
    """Every tensor is what numpy makes of the same numbers: step by step, and fused with memory reused."""
    values = random_values(leaves, batch, seed)
    values = {t: v.astype(dtype) if t.kind == "real" else v for t, v in values.items()}
    read = {t for step in steps for t in step.inputs}
    last = [t for t in written(steps) if t not in read]
    ways = [(written(steps), False), (last, True)] if len(steps) > 1 else [(last, True)]
    for wanted, fused in ways:
        expected = run(steps, values, wanted, batch=batch, dtype=np.dtype(dtype))
        given = run_native(
            steps, values, wanted, batch, dtype, fused=fused, reuse=fused, inner=inner, **options
        )
        for tensor, a, b in zip(wanted, expected, given, strict=True):
            assert_close(a, b, dtype, tensor.name)


def assert_nets_as_numpy(steps, batch=3, nets=5, shared=(), dtype="float64"):
    """The same for many nets at once, each beside numpy; they share the leaves that are named."""
    leaves = {t for step in steps for t in step.inputs} - {t for step in steps for t in step.outputs}
    common = random_values(leaves, batch)
    each = [random_values(leaves, batch, seed=number + 1) for number in range(nets)]
    each = [{t: common[t] if t.name in shared else v[t] for t in leaves} for v in each]
    given = {t: common[t] if t.name in shared else np.stack([v[t] for v in each], -1) for t in leaves}
    wanted = written(steps)
    found = run_native(steps, given, wanted, batch, dtype, nets=nets, shared=frozenset(shared))
    for number, values in enumerate(each):
        expected = run(steps, values, wanted, batch=batch, dtype=np.dtype(dtype))
        for tensor, a, b in zip(wanted, expected, found, strict=True):
            assert_close(a, b[..., number], dtype, f"{tensor.name} of net {number}")


def assert_close(expected, given, dtype, name=""):
    finite = expected[np.isfinite(expected)]
    floor = TOLERANCE[dtype] * max(np.abs(finite).max(initial=0.0), 1e-3)
    np.testing.assert_allclose(given, expected, rtol=0, atol=floor, err_msg=name)


def targets():
    """The processors among those with names whose code this one can run."""
    return [name for name in ("avx512", "avx2", "x86-64") if _runs_here(named(name))]


def _runs_here(target):
    features = [f.removeprefix("+") for f in target.features.split(",") if f]
    there = llvm.get_host_cpu_features()
    return llvm.get_process_triple().startswith("x86_64") and all(there.get(f) for f in features)
