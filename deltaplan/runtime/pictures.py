"""The pictures of a run: the loss curve and, for one input and one output, the fit."""

import numpy as np

from deltaplan.runtime.fitted import Samples
from deltaplan.runtime.model import Model
from deltaplan.runtime.runs import SavedRun
from deltaplan.runtime.svg.curves import fit, loss_curve

POINTS = 800
MARGIN = 0.05  # of the samples' range, on each side
LARGEST = 1e100  # beyond this nothing is drawn: axes and margins stay finite
Lists = dict[str, tuple[list[float], list[float]]]  # x and y of each part, in the data's units


def pictures(model: Model, samples: Samples | None, saved: SavedRun) -> dict[str, str]:
    """SVG texts by file name: `loss.svg`, and `fit.svg` where there are samples of one number (`fitted`)."""
    found = {"loss.svg": loss_curve(saved.history, f"{saved.name}: loss")} if saved.history else {}
    if samples is not None:
        lists = {part: (xs.tolist(), ys.tolist()) for part, (xs, ys) in samples.items()}
        if all(abs(value) < LARGEST for xs, ys in lists.values() for value in (*xs, *ys)):
            found["fit.svg"] = _fit(model, lists, saved.name)
    return found


def _fit(model: Model, samples: Lists, name: str) -> str:
    (x_columns,), (y_columns,) = model.preprocessing.inputs.values(), model.preprocessing.targets.values()
    every = [x for xs, _ in samples.values() for x in xs]
    room = MARGIN * (max(every) - min(every) or 1.0)
    grid = np.linspace(min(every) - room, max(every) + room, POINTS)
    curve = model.predict(grid[:, None])[:, 0]
    labels = (x_columns.labels[0], y_columns.names[0])
    return fit(samples, grid.tolist(), curve.tolist(), labels, f"{name}: fit")
