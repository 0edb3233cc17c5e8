"""The pictures of a run: the loss curve and, for one input and one output, the fit."""

import numpy as np

from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.model import Model
from deltaplan.runtime.runs import SavedRun
from deltaplan.runtime.svg.curves import fit, loss_curve

POINTS = 800
MARGIN = 0.05  # of the samples' range, on each side
LARGEST = 1e100  # beyond this nothing is drawn: axes and margins stay finite
Samples = dict[str, tuple[list[float], list[float]]]  # x and y of each part, in the data's units


def pictures(model: Model, dataset: Dataset, saved: SavedRun) -> dict[str, str]:
    """SVG texts by file name: `loss.svg`, and `fit.svg` where the model is a function of one number."""
    found = {"loss.svg": loss_curve(saved.history, f"{saved.name}: loss")} if saved.history else {}
    if _is_function(model):
        samples = _samples(model, dataset)
        if all(abs(value) < LARGEST for xs, ys in samples.values() for value in (*xs, *ys)):
            found["fit.svg"] = _fit(model, samples, saved.name)
    return found


def _is_function(model: Model) -> bool:
    inputs, targets = model.preprocessing.inputs, model.preprocessing.targets
    if len(inputs) != 1 or len(targets) != 1:
        return False
    (x,), (y,) = inputs.values(), targets.values()
    plain = all(f.expression is None and f.categories is None for f in x.features)
    return x.size == 1 and len(y.names) == 1 and plain and y.kind == "real"


def _samples(model: Model, dataset: Dataset) -> Samples:
    (x_columns,), (y_columns,) = model.preprocessing.inputs.values(), model.preprocessing.targets.values()
    return {
        part_name: (
            x_columns.scaling.undo(next(iter(part.x.values())))[0].tolist(),
            y_columns.scaling.undo(next(iter(part.y.values())))[0].tolist(),
        )
        for part_name, part in dataset.parts.items()
    }


def _fit(model: Model, samples: Samples, name: str) -> str:
    (x_columns,), (y_columns,) = model.preprocessing.inputs.values(), model.preprocessing.targets.values()
    every = [x for xs, _ in samples.values() for x in xs]
    room = MARGIN * (max(every) - min(every) or 1.0)
    grid = np.linspace(min(every) - room, max(every) + room, POINTS)
    curve = model.predict(grid[:, None])[:, 0]
    labels = (x_columns.labels[0], y_columns.names[0])
    return fit(samples, grid.tolist(), curve.tolist(), labels, f"{name}: fit")
