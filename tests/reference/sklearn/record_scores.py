"""Records the test scores of scikit-learn's MLP on the rows of our splits: `python record_scores.py`.

Run by hand where deltaplan and scikit-learn are (1.9.1 was used). The suite needs only what this writes:
NAME.json with the settings and, for each seed of the split, the digest of its rows, the scores of the MLP
from five random states, and for a regression that of ordinary least squares.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from comparison import HERE, METRICS, SEEDS, digest, experiment_at, settings
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from deltaplan.runtime.data import Part, load_dataset

STATES = range(5)


def main() -> None:
    for name in METRICS:
        given = settings(name)
        splits = [record(name, seed, given) for seed in SEEDS]
        found = {"scikit-learn": sklearn.__version__, "settings": given, "splits": splits}
        text = json.dumps(found, indent=1) + "\n"
        (HERE / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")
        print(name, np.mean([split["mlp"] for split in splits]))


def record(name: str, seed: int, given: dict[str, Any]) -> dict[str, Any]:
    """Inputs and real targets are scaled already: R² does not depend on the unit of the target."""
    dataset = load_dataset(experiment_at(name, seed), Path())
    x, y = arrays(dataset.parts["train"])
    x_test, y_test = arrays(dataset.parts["test"])
    regression = METRICS[name] == "r2"
    mlp = MLPRegressor if regression else MLPClassifier
    models = [mlp(**given, n_iter_no_change=given["max_iter"], random_state=state) for state in STATES]
    found = {
        "seed": seed,
        "rows": digest(dataset),
        "mlp": [round(model.fit(x, y).score(x_test, y_test), 6) for model in models],
    }
    if regression:
        found["linear"] = round(LinearRegression().fit(x, y).score(x_test, y_test), 6)
    return found


def arrays(part: Part) -> tuple[np.ndarray, np.ndarray]:
    """X [N, features] and y [N]."""
    (x,), (y,) = part.x.values(), part.y.values()
    return np.ascontiguousarray(x.T), y.ravel()


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=sklearn.exceptions.ConvergenceWarning)  # it is not to converge
    main()
