"""The data sets that come with scikit-learn, which is imported here alone."""

import re
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.plugins.api import Table, Unreadable

SETS = ("iris", "digits", "wine", "breast_cancer", "diabetes")


def read_bundled(name: str) -> Table:
    """The features by their names, as words without units, and `target`: numbers, or the classes' names."""
    if name not in SETS:
        similar = get_close_matches(name, SETS, n=1)
        help = f"similar name: `{similar[0]}`" if similar else f"there are {', '.join(SETS)}"
        raise Unreadable(f"scikit-learn has no data set `{name}`", help=help)
    bunch = _load(name)
    columns = {
        _word(feature): bunch.data[:, i].astype(np.float64) for i, feature in enumerate(bunch.feature_names)
    }
    return Table({**columns, "target": _target(bunch)}, len(bunch.data), lambda row: f"{name}, row {row}")


def _load(name: str) -> Any:
    try:
        return getattr(import_module("sklearn.datasets"), f"load_{name}")()
    except ModuleNotFoundError:
        help = "install it: `pip install deltaplan[data]`"
        raise Unreadable(
            "the source `sklearn` needs scikit-learn, which is not installed", help=help
        ) from None


def _target(bunch: Any) -> NDArray[Any]:
    names = getattr(bunch, "target_names", None)
    if names is None:
        return np.asarray(bunch.target, np.float64)
    return np.array([str(names[i]) for i in bunch.target], dtype=object)


def _word(feature: str) -> str:
    """`sepal length (cm)` is `sepal_length`."""
    return re.sub(r"\W+", "_", re.sub(r"\(.*?\)", "", str(feature)).strip())
