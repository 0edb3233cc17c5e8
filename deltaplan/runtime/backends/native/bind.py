"""A plan bound to memory on the native backend: the counterpart of the numpy backend's `bind`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.loops.llvm.run import write_run
from deltaplan.compiler.loops.places import external_of
from deltaplan.compiler.loops.program import Program, program
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.plans import Plan
from deltaplan.compiler.steps import Tensor
from deltaplan.runtime.backends.native.engine import Write, compile_parts
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.memory import counter_of, numbers_of, zeros
from deltaplan.runtime.backends.native.target import Target, host
from deltaplan.runtime.backends.numpy.bind import target_key
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.patterns import table
from deltaplan.runtime.random import Purpose

KINDS = {"float32": "float", "float64": "double"}


class NativeCode:
    """The machine code of a plan on `batch` samples of one precision: any number of bounds share it, each
    with memory of its own. `make` turns its text into object files."""

    def __init__(
        self,
        plan: Plan,
        batch: int,
        dtype: np.dtype[Any],
        fused: bool = True,
        reuse: bool = True,
        target: Target | None = None,
        redzone: int = 0,
        inner: Literal["samples", "features"] = "samples",
        make: Callable[[Write, Target], tuple[bytes, ...]] = compile_parts,
    ) -> None:
        target = target or host()
        axes = Axes(batch, target.schedule(dtype.itemsize), inner=inner)
        self.program: Program = program(
            plan.steps, external_of(plan), plan.kept, axes, {}, fused=fused, reuse=reuse, redzone=redzone
        )
        self.alias = aliases(plan.steps)
        write = partial(write_run, self.program, KINDS[dtype.name], target.width)
        self._library = Library(make(write, target), target)
        self.call = self._library.function("run", ["ptr"])


class NativeBound:
    """A plan on `batch` samples. `vectors` are `θ`, and `g` and `v` where the plan has them, all of one
    precision; `data` holds the arrays of inputs and targets by their keys, and what is written there is what
    the next run sees. Classes are real numbers in them. `code` is that of the plan where it is made already;
    else `options` are those of `NativeCode`."""

    def __init__(
        self,
        plan: Plan,
        vectors: Mapping[str, Array],
        batch: int,
        code: NativeCode | None = None,
        **options: Any,
    ) -> None:
        self.plan, self.batch = plan, batch
        dtype = vectors["θ"].dtype
        self._code = code or NativeCode(plan, batch, dtype, **options)
        self.program = self._code.program
        self._arrays: dict[str, Array] = dict(vectors)
        self._arrays["arena"] = zeros(self.program.arena, dtype)
        self._arrays["scratch"] = zeros(self.program.scratch, dtype)
        self._arrays["scale"] = self.scale = zeros(1, dtype)
        self._arrays["count"] = zeros(1, dtype)
        self._arrays["count"][0] = batch
        self.data: dict[str, Array] = {}
        targets = {target_key(name): tensor for name, tensor in plan.trace.targets.items()}
        leaves = {**plan.trace.inputs, **targets}
        for key, tensor in leaves.items():
            self._arrays[f"in {key}"] = memory = zeros(tensor.size * batch, dtype)
            self.data[key] = self._seen(memory, tensor)
        self._arrays |= {found.name: table(found) for found in self.program.tables}
        self._arrays["samples"] = numbers_of(np.arange(batch), dtype)
        self._arrays["counter"] = counter_of(0, Purpose.DROPOUT)
        spaces = self.program.spaces
        self._table = np.array([self._arrays[name].ctypes.data for name in spaces], np.uintp)

    def draws(self, seed: int, step: int, samples: Array) -> None:
        """What random steps count by from now on."""
        self._arrays["counter"][:2] = counter_of(seed, Purpose.DROPOUT)[:2]
        self._arrays["counter"][2] = step
        self._arrays["samples"][:] = numbers_of(samples, self._arrays["samples"].dtype)

    def run(self) -> None:
        self._code.call(self._table.ctypes.data)

    def __getitem__(self, tensor: Tensor) -> Any:
        """The numbers of a tensor that lies in memory: [*shape, batch] where batched."""
        spot = self.program.spots[self._code.alias.get(tensor.name, tensor).name]
        count = self.program.axes.numbers(tensor)
        return self._seen(self._arrays[spot.space][spot.offset : spot.offset + count], tensor)

    def _seen(self, memory: Array, tensor: Tensor) -> Array:
        """The numbers of a tensor as [*shape, batch], whatever their order in memory."""
        if not tensor.batched:
            return memory.reshape(tensor.shape)
        if self.program.axes.by_features:
            return np.moveaxis(memory.reshape(self.batch, *tensor.shape), 0, -1)
        return memory.reshape(*tensor.shape, self.batch)
