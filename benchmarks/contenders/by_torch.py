"""Eager PyTorch, and the matrix products of W4 alone with its BLAS (MKL on x86-64)."""

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

import torch

from benchmarks.contenders.by_numpy import matrices
from benchmarks.contest import Contender, repeating
from benchmarks.workloads import Workload, landscape_of, rows_of

NAME = "torch eager"
Net = Callable[[Any], Any]


def parameters(work: Workload) -> list[Any]:
    """W and b of each layer, in turns."""
    kind = getattr(torch, work.settings.precision)
    return [torch.tensor(a, dtype=kind, requires_grad=True) for pair in work.blocks for a in pair]


def leaky_relu(v: Any) -> Any:
    return torch.nn.functional.leaky_relu(v, 0.01)


def snake_of(v: Any) -> Any:
    """v + sin²(v), as one writes it"""
    return v + torch.sin(v) ** 2


def outputs(blocks: list[Any], z: Any, residual: bool, activation: Net = leaky_relu) -> Any:
    """Rows [batch, features] through the layers; W1 and W2 are `residual`, the others have relu."""
    linear = torch.nn.functional.linear
    for w, b in zip(blocks[:-2:2], blocks[1:-2:2], strict=True):
        v = linear(z, w, b)
        a = activation(v) if residual else torch.relu(v)
        z = a + z if residual and v.shape == z.shape else a
    return linear(z, blocks[-2], blocks[-1])


def picture_outputs(blocks: list[Any], x: Any) -> Any:
    """Pictures [batch, 1, height, width] through the layers of W5, kernels [out, in, height, width]."""
    for w, b in zip(blocks[:-2:2], blocks[1:-2:2], strict=True):
        x = torch.nn.functional.avg_pool2d(torch.relu(torch.nn.functional.conv2d(x, w, b, padding=1)), 2)
    return torch.nn.functional.linear(x.flatten(1), blocks[-2], blocks[-1])


def convolution(work: Workload) -> dict[str, Contender]:
    x, y = work.samples
    pictures = torch.from_numpy(x.T.reshape(-1, 1, 28, 28).copy()).float()
    blocks = [
        (p.detach().permute(0, 3, 1, 2).contiguous() if p.ndim == 4 else p.detach()).requires_grad_()
        for p in parameters(work)
    ]
    optimizer, labels = optimizer_of(work, blocks), torch.from_numpy(y.copy()).long()

    def run(units: int) -> None:
        for chosen in batches(work, units):
            u = picture_outputs(blocks, pictures[chosen])
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(u, labels[chosen]).backward()
            optimizer.step()

    return {NAME: Contender(run, work.length)}


def training(work: Workload, residual: bool, activation: Net = leaky_relu) -> Callable[[int], list[Any]]:
    """n steps more, or epochs where the batches are shuffled; the blocks after them."""
    x, y = samples(work, residual)
    blocks = parameters(work)
    optimizer = optimizer_of(work, blocks)

    def step(x: Any, y: Any) -> None:
        u = outputs(blocks, x, residual, activation)
        loss = ((u - y) ** 2).sum() / 2 / len(x) if residual else torch.nn.functional.cross_entropy(u, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def run(units: int) -> list[Any]:
        for chosen in batches(work, units):
            step(x if chosen is None else x[chosen], y if chosen is None else y[chosen])
        return blocks

    return run


def samples(work: Workload, residual: bool) -> tuple[Any, Any]:
    """Rows [N, features], and targets [N, outputs] or classes [N]."""
    kind = getattr(torch, work.settings.precision)
    x, y = (torch.from_numpy(a.T.copy()) for a in work.samples)
    return x.to(kind), y.to(kind) if residual else y.long()


def batches(work: Workload, units: int) -> Iterator[Any]:
    """The samples of each step, None for all."""
    settings = work.settings
    count = len(work.dataset.parts["train"])
    for _ in range(units):
        if settings.batch is None:
            yield None
        elif settings.unit == "steps":
            yield torch.randint(count, (settings.batch,))
        else:
            yield from torch.randperm(count).split(settings.batch)


def optimizer_of(work: Workload, blocks: list[Any]) -> Any:
    values = work.settings.optimizer.values
    if "momentum" in values:
        return torch.optim.SGD(blocks, lr=work.rate, momentum=float(str(values["momentum"])))
    return torch.optim.Adam(blocks, lr=work.rate, fused=True)


def residual(work: Workload) -> dict[str, Contender]:
    return {NAME: Contender(training(work, residual=True), work.length)}


def snake(work: Workload) -> dict[str, Contender]:
    return {NAME: Contender(training(work, residual=True, activation=snake_of), work.length)}


def digits(work: Workload) -> dict[str, Contender]:
    return {NAME: Contender(training(work, residual=False), work.length, steps=work.steps)}


def mlp(work: Workload) -> dict[str, Contender]:
    torch_matrices = [tuple(torch.from_numpy(a) for a in group) for group in matrices(work)]
    calls = [partial(torch.mm, a, b, out=out) for a, b, out in torch_matrices]
    return {
        NAME: Contender(training(work, residual=False), work.length),
        "torch's matrix products alone": Contender(repeating(*calls), work.length),
    }


def norms(work: Workload) -> dict[str, Contender]:
    """vmap of grad over the samples."""
    inputs, targets = work.samples
    x = torch.from_numpy(inputs.T.copy()).to(getattr(torch, work.settings.precision))
    y = torch.from_numpy(targets.copy()).long()
    blocks = [p.detach() for p in parameters(work)]

    def loss(own: Any, z: Any, label: Any) -> Any:
        return torch.nn.functional.cross_entropy(outputs(own, z, residual=False)[None], label[None])

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))

    def run() -> Any:
        return sum((g.flatten(1) ** 2).sum(1) for g in each(blocks, x, y)).sqrt()

    return {"torch vmap of grad": Contender(repeating(run), 20)}


def landscape(work: Workload) -> dict[str, Contender]:
    """vmap over the points."""
    x, y = samples(work, residual=True)
    kind = x.dtype
    grid = landscape_of(work)
    theta, directions, a, b = (
        torch.tensor(v, dtype=kind) for v in (grid.theta, grid.directions, grid.a, grid.b)
    )
    shapes = [w.shape for w, _ in work.blocks] + [b.shape for _, b in work.blocks]
    layers = len(work.blocks)

    def loss(a: Any, b: Any) -> Any:
        flat = theta + a * directions[0] + b * directions[1]
        parts = [p.reshape(s) for p, s in zip(flat.split([prod(s) for s in shapes]), shapes, strict=True)]
        blocks = [p for pair in zip(parts[:layers], parts[layers:], strict=True) for p in pair]
        return ((outputs(blocks, x, residual=True) - y) ** 2).sum() / 2 / len(x)

    surface = torch.vmap(loss, chunk_size=1024)
    return {"torch vmap": Contender(repeating(partial(surface, a, b)), 20)}


def one(work: Workload) -> dict[str, Contender]:
    return predictions(work, 1)


def many(work: Workload) -> dict[str, Contender]:
    return predictions(work, 1024)


def predictions(work: Workload, count: int) -> dict[str, Contender]:
    blocks, x = parameters(work), torch.from_numpy(rows_of(work, count))

    def run(units: int) -> None:
        with torch.inference_mode():
            for _ in range(units):
                torch.softmax(outputs(blocks, x, residual=False), 1)

    return {NAME: Contender(run, 10_000)}
