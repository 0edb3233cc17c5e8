"""The same workloads in other libraries, where they are installed; none is needed."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.workloads import Run, Workload, blocks

PEERS = {"torch": "eager PyTorch", "sklearn": "scikit-learn"}


def missing() -> list[str]:
    """The peers that are not here."""
    return [name for name in PEERS if find_spec(name) is None]


def peers_of(work: Workload) -> Mapping[str, Run]:
    """A turn of the workload in each library that is installed and can state it."""
    found: dict[str, Run] = {}
    if find_spec("torch"):
        found[PEERS["torch"]] = torch_run(work)
    if find_spec("sklearn") and work.settings.batch is not None:  # it knows no skips: W3 alone
        found[PEERS["sklearn"]] = sklearn_run(work)
    return found


def torch_run(work: Workload) -> Run:
    """Eager mode, one thread, fused Adam."""
    import torch

    torch.set_num_threads(1)
    settings = work.settings
    kind = getattr(torch, settings.precision)
    x, y = (torch.from_numpy(np.ascontiguousarray(a.T)) for a in work.samples)
    x, y = x.to(kind), y.to(kind) if settings.batch is None else y.long()
    weights = [torch.tensor(w, dtype=kind, requires_grad=True) for w, _ in blocks(work.experiment)]
    biases = [torch.tensor(b, dtype=kind, requires_grad=True) for _, b in blocks(work.experiment)]
    adam = torch.optim.Adam([*weights, *biases], lr=work.rate, fused=True)

    def output(z: Any) -> Any:
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            v = torch.nn.functional.linear(z, w, b)
            skip = settings.batch is None and v.shape == z.shape
            v = torch.nn.functional.leaky_relu(v, 0.01) if settings.batch is None else torch.relu(v)
            z = v + z if skip else v
        return torch.nn.functional.linear(z, weights[-1], biases[-1])

    def step(x: Any, y: Any) -> None:
        u = output(x)
        if settings.batch is None:
            loss = ((u - y) ** 2).sum() / 2 / len(x)
        else:
            loss = torch.nn.functional.cross_entropy(u, y)
        adam.zero_grad()
        loss.backward()
        adam.step()

    def run() -> None:
        for _ in range(work.length):
            order = torch.randperm(len(x)) if settings.batch else None
            if order is None:
                step(x, y)
                continue
            for chosen in order.split(settings.batch):
                step(x[chosen], y[chosen])

    return run


def sklearn_run(work: Workload) -> Run:
    """MLPClassifier of the same shape for as many epochs."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    settings = work.settings
    x, y = work.samples
    rows = np.ascontiguousarray(x.T, settings.precision)
    widths = tuple(len(b) for _, b in blocks(work.experiment)[:-1])

    def run() -> None:
        net = MLPClassifier(
            widths, batch_size=settings.batch, learning_rate_init=work.rate, alpha=0.0,
            max_iter=work.length, tol=0.0, n_iter_no_change=work.length, random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net.fit(rows, y)

    return run
