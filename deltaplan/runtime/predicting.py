"""Predictors, on the backend that can be had."""

from deltaplan.runtime.choice import choose
from deltaplan.runtime.model import Model
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.predictor import Predictor


def predictor_of(model: Model, backend: Backend | None = None) -> Predictor:
    """The predictor of a model, on the native backend unless another is named or that has no code for it.
    SpecError where the native one is named and cannot do it."""

    def native() -> Predictor:
        from deltaplan.runtime.native_predictor import NativePredictor

        return NativePredictor(model)

    def numpy() -> Predictor:
        inputs = sum(columns.size for columns in model.preprocessing.inputs.values())
        outputs = sum(node.size for node in model.plan().kept)
        return Predictor(model, "numpy", inputs, outputs)

    return choose(backend, native, numpy)[0]
