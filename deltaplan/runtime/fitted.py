"""What the picture of a fit shows: it is kept with a run, which draws it when it is saved."""

from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.model import Model

Samples = dict[str, tuple[Array, Array]]  # x and y [N] of each part, in the data's units


def fitted(model: Model, dataset: Dataset) -> Samples | None:
    """The samples of a model that is a function of one number; None for another model."""
    if not _is_function(model):
        return None
    (x_columns,), (y_columns,) = model.preprocessing.inputs.values(), model.preprocessing.targets.values()
    return {
        part_name: (
            x_columns.scaling.undo(next(iter(part.x.values())))[0],
            y_columns.scaling.undo(next(iter(part.y.values())))[0],
        )
        for part_name, part in dataset.parts.items()
    }


def _is_function(model: Model) -> bool:
    inputs, targets = model.preprocessing.inputs, model.preprocessing.targets
    if len(inputs) != 1 or len(targets) != 1:
        return False
    (x,), (y,) = inputs.values(), targets.values()
    plain = all(f.expression is None and f.categories is None for f in x.features)
    return x.size == 1 and len(y.names) == 1 and plain and y.kind == "real"
