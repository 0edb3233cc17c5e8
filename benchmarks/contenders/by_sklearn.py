"""scikit-learn: W3 alone, for it knows no skips."""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.contest import Contender
from benchmarks.workloads import Workload


def digits(work: Workload) -> dict[str, Contender]:
    """MLPClassifier of the same shape."""
    x, y = work.samples
    rows = np.ascontiguousarray(x.T, work.settings.precision)
    widths = tuple(len(b) for _, b in work.blocks[:-1])

    def run(epochs: int) -> None:
        net = MLPClassifier(
            widths, batch_size=work.settings.batch, learning_rate_init=work.rate, alpha=0.0,
            max_iter=epochs, tol=0.0, n_iter_no_change=epochs, random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net.fit(rows, y)

    return {"scikit-learn": Contender(run, work.length, steps=work.steps)}
