"""Records the test scores of scikit-learn's MLP with its defaults on the rows of what `deltaplan new` writes:
`PYTHONPATH=.:tests python tests/reference/sklearn/record_defaults.py`.

Run by hand where deltaplan and scikit-learn are (1.9.1 was used). defaults.json has for each set and each
seed of the split the digest of its rows and the scores of the MLP from three random states, its inputs and
real targets standardized as ours are.
"""

import json
import warnings
from typing import Any

import numpy as np
import sklearn
from reference.sklearn.comparison import HERE, SEEDS, SPECS, digest
from reference.sklearn.first_specs import SETS, first_at
from sklearn.neural_network import MLPClassifier, MLPRegressor

from deltaplan.runtime.data import load_dataset

STATES = range(3)


def main() -> None:
    found = {name: [record(name, seed) for seed in SEEDS] for name in SETS}
    text = json.dumps({"scikit-learn": sklearn.__version__, "sets": found}, indent=1) + "\n"
    (HERE / "defaults.json").write_text(text, encoding="utf-8", newline="\n")
    for name, splits in found.items():
        print(name, np.mean([split["mlp"] for split in splits]))


def record(name: str, seed: int) -> dict[str, Any]:
    dataset = load_dataset(first_at(name, seed), SPECS)
    (x, y), (x_test, y_test) = (
        (np.ascontiguousarray(part.x["input"].T), part.y["output"].ravel())
        for part in (dataset.parts["train"], dataset.parts["test"])
    )
    mlp = MLPRegressor if SETS[name] == "r2" else MLPClassifier
    scores = [round(mlp(random_state=state).fit(x, y).score(x_test, y_test), 6) for state in STATES]
    return {"seed": seed, "rows": digest(dataset), "mlp": scores}


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=sklearn.exceptions.ConvergenceWarning)
    main()
