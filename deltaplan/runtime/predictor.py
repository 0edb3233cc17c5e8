"""A prepared predictor: a model with its memory and its machine code, for one sample or many."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.model import Model
from deltaplan.runtime.outcome import Backend


class Predictor:
    """Predicts in the data's units, in the precision of training: what `Run.predict` gives, without looking
    for gaps (NaN gives NaN).

    `predictor(x)` takes one sample [features], which gives [outputs], or rows [N, features], which give
    [N, outputs]; with several outputs one array for each by name. Columns stand in the order of training. All
    that `Run.predict` takes is taken; arrays of numbers are fast, those of `dtype` with their rows one after
    the other are fastest.

    For one sample after the other there is `input` [features] to write to, `run()`, and `output` [outputs] to
    read, all outputs side by side. They are memory of this object, which every call uses: threads need a
    predictor each. `backend` is what does the work.
    """

    __slots__ = ("_model", "backend", "dtype", "input", "output")

    def __init__(self, model: Model, backend: Backend, inputs: int, outputs: int) -> None:
        self._model, self.backend = model, backend
        self.dtype = model.theta.dtype
        self.input, self.output = np.zeros(inputs, self.dtype), np.zeros(outputs, self.dtype)

    def __call__(self, x: Any) -> Any:
        one = isinstance(x, np.ndarray) and x.shape == self.input.shape
        found = self._model.predict(x[None] if one else x)
        if isinstance(found, Mapping):
            return {name: self._own(array, one) for name, array in found.items()}
        return self._own(found, one)

    def run(self) -> None:
        """Predicts what lies in `input`; the result lies in `output`."""
        found = self(self.input)
        self.output[:] = np.concatenate([*found.values()]) if isinstance(found, Mapping) else found

    def _own(self, array: Array, one: bool) -> Array:
        return np.asarray(array[0] if one else array, self.dtype)

    def __repr__(self) -> str:
        shape = f"{self.input.size} -> {self.output.size}"
        return f"<predictor of `{self._model.experiment.name}`, {shape}, {self.dtype}, {self.backend}>"
