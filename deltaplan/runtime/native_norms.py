"""The norms of all samples' gradients as machine code: predictions of another plan."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from deltaplan.compiler.individual import Norms
from deltaplan.compiler.loops.llvm.predict import TABLE, write_prediction
from deltaplan.compiler.loops.prediction import prediction
from deltaplan.compiler.plan import Plan
from deltaplan.runtime.backends.native.bind import KINDS
from deltaplan.runtime.backends.native.engine import objects_of
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.backends.numpy.bind import target_key
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.native_predictor import memory_of


class NativeNorms:
    """[N] on fixed data [features, N], for the parameters that lie in `theta` at each call."""

    def __init__(self, norms: Norms, theta: Array, data: Mapping[str, Array]) -> None:
        target, dtype = host(), theta.dtype
        plan = _plan(norms)
        made = prediction(plan, KINDS[dtype.name], target.schedule(dtype.itemsize), {}, {})
        self._memory, self._theta = memory_of(made, theta), theta
        write = partial(write_prediction, made, target.width)
        self._library = Library(objects_of(write, target), target)
        self._many = self._library.function("many", ["i64", "ptr", "ptr", "i64"])
        table = np.array([self._memory[name].ctypes.data for name in TABLE], np.uintp)
        self._library.function("bind", ["ptr"])(table.ctypes.data)
        columns = [data[name].reshape(-1, data[name].shape[-1]) for name in plan.trace.inputs]
        self._rows = np.ascontiguousarray(np.concatenate(columns).T, dtype)

    def __call__(self) -> Array:
        self._memory["θ"][:] = self._theta
        squared = np.empty(len(self._rows), self._theta.dtype)
        self._many(len(squared), self._rows.ctypes.data, squared.ctypes.data, 0)
        return np.sqrt(squared)


def _plan(norms: Norms) -> Plan:
    """With the targets as inputs, and the squared norm as the only output."""
    trace = norms.plan.trace
    targets = {target_key(name): tensor for name, tensor in trace.targets.items()}
    read = {tensor for step in norms.plan.steps for tensor in step.inputs}
    inputs = {name: t for name, t in {**trace.inputs, **targets}.items() if t in read}
    trace = replace(trace, inputs=inputs, outputs={"squared": norms.squared})
    return replace(norms.plan, trace=trace)
