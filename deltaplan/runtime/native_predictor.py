"""Predictions on the native backend."""

from collections.abc import Iterable
from ctypes import PYFUNCTYPE
from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray

from deltaplan.compiler.loops.llvm.predict import TABLE, write_prediction
from deltaplan.compiler.loops.prediction import Prediction, Scales, prediction
from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.runtime.backends.native.bind import KINDS
from deltaplan.runtime.backends.native.engine import objects_of
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.memory import zeros
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.data.scaling import Scaling
from deltaplan.runtime.model import Model
from deltaplan.runtime.predictor import Predictor

SMALL, LARGE = 1e-30, 1e30  # scales that are ordinary numbers in float32, and their inverses too


class NativePredictor(Predictor):
    """A predictor as machine code, which scales inputs, and outputs back, too."""

    __slots__ = ("_held", "_many", "_names", "_one", "_raw", "_scales", "_shape", "_single")

    def __init__(self, model: Model) -> None:
        made = _prediction(model)
        super().__init__(model, "native", made.inputs, made.outputs)
        self._names = {name: t.size for name, t in model.plan().trace.outputs.items()}
        self._single = len(self._names) == 1
        self._shape, self._raw = (made.inputs,), int(made.scale_one is not None)
        self._scales = _all_inputs(model.preprocessing)
        memory = memory_of(made, model.theta)
        self.input = memory["raw one" if self._raw else "in one"]
        self.output = memory["out one"]
        target = host()
        write = partial(write_prediction, made, target.width)
        library = Library(objects_of(write, target), target)
        table = np.array([memory[name].ctypes.data for name in TABLE], np.uintp)
        library.function("bind", ["ptr"])(table.ctypes.data)
        self._held = library, memory
        # A call for one sample is over before another thread would have noticed: it keeps the GIL.
        self._one = PYFUNCTYPE(None)(library.address("one"))
        self._many = library.function("many", ["i64", "ptr", "ptr", "i64"])

    def __call__(self, x: Any) -> Any:
        if type(x) is ndarray and x.shape == self._shape and x.dtype is self.dtype:
            self.input[...] = x
            self._one()
            return self.output.copy() if self._single else self._split(self.output.copy())
        return self._general(x)

    def run(self) -> None:
        self._one()

    def _general(self, x: Any) -> Any:
        """Numbers of any type in any order; what is no array of the right shape is left to the model."""
        rows = x if isinstance(x, np.ndarray) else np.asarray(x) if isinstance(x, list | tuple) else None
        if rows is None or not _fits(rows, self._shape):
            return super().__call__(x)
        found = self._rows(np.atleast_2d(rows))
        return self._split(found[0] if rows.ndim == 1 else found)

    def _rows(self, x: Array) -> Array:
        """Rows of predictions for rows of numbers."""
        raw = self._raw
        if raw and self.dtype == np.float32 and x.dtype != np.float32:
            x, raw = self._scales.apply(x.T).T, 0  # in float64, as those numbers are
        with np.errstate(over="ignore"):
            x = np.ascontiguousarray(x, self.dtype)
        found = np.empty((len(x), self.output.size), self.dtype)
        self._many(len(x), x.ctypes.data, found.ctypes.data, raw)
        return found

    def _split(self, found: Array) -> Any:
        if self._single:
            return found
        ends = np.cumsum([*self._names.values()])[:-1]
        return dict(zip(self._names, np.split(found, ends, axis=-1), strict=True))


def _fits(rows: Array, shape: tuple[int]) -> bool:
    """Whether numbers are one sample or some rows."""
    return rows.dtype.kind in "fiu" and rows.shape[-1:] == shape and rows.ndim <= 2 and rows.size > 0


def _prediction(model: Model) -> Prediction:
    given, dtype = model.preprocessing, model.theta.dtype
    _refuse_what_is_no_array(given)
    inputs = {name: c.scaling for name, c in given.inputs.items() if not c.scaling.is_identity}
    outputs = {
        name: c.scaling
        for name, c in given.targets.items()
        if c.kind == "real" and not c.scaling.is_identity and name in model.outputs
    }
    if dtype == np.float32 and not _ordinary([*inputs.values(), *outputs.values()]):
        raise NoScheduleError("scales beyond float32")
    plan = model.plan()
    ends = dict(zip(plan.trace.outputs, plan.kept, strict=False))
    machine = host().schedule(dtype.itemsize)
    return prediction(
        plan,
        KINDS[dtype.name],
        machine,
        {name: _scales(scaling, given.inputs[name].size) for name, scaling in inputs.items()},
        {name: _scales(scaling, ends[name].size) for name, scaling in outputs.items()},
    )


def _refuse_what_is_no_array(given: Preprocessing) -> None:
    """Formulas, categories, windows and gaps that are filled are read from tables."""
    features = [feature for columns in given.inputs.values() for feature in columns.features]
    plain = all(f.expression is None and f.categories is None for f in features)
    once = len({f.name for f in features}) == len(features)
    if not plain or not once or given.window > 1 or given.fills.numbers or given.fills.words:
        raise NoScheduleError("columns that are computed")


def _ordinary(scalings: Iterable[Scaling]) -> bool:
    scales = all(SMALL < abs(scale) < LARGE for s in scalings for scale in s.scales)
    return scales and all(mean == 0 or SMALL < abs(mean) < LARGE for s in scalings for mean in s.means)


def _scales(scaling: Scaling, size: int) -> Scales:
    return Scales(*(np.resize(numbers, size).tolist() for numbers in (scaling.means, scaling.scales)))


def _all_inputs(given: Preprocessing) -> Scaling:
    """The scaling of all inputs, one after the other."""
    parts = [_scales(columns.scaling, columns.size) for columns in given.inputs.values()]
    means = tuple(number for part in parts for number in part.means)
    return Scaling(means, tuple(number for part in parts for number in part.scales))


def memory_of(made: Prediction, theta: Array) -> dict[str, Array]:
    """The arrays of a predictor by the names of its table; parameters are its own."""
    sizes = dict.fromkeys(("raw one", "in one"), made.inputs) | {"out one": made.outputs}
    sizes |= {
        "raw": made.inputs * made.block,
        "in": made.inputs * made.block,
        "rows": made.inputs * made.block,
    }
    sizes |= {"out": made.outputs * made.block, "results": made.outputs * made.block}
    sizes["arena"] = max(program.arena for program in made.programs)
    sizes["scratch"] = max(program.scratch for program in made.programs)
    sizes |= {"θ": theta.size, "constants": len(made.constants)}
    memory = {name: zeros(sizes[name], theta.dtype) for name in TABLE}
    memory["θ"][:] = theta
    memory["constants"][:] = made.constants
    return memory
