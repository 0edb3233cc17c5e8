"""What is minimized, said twice: as the `minimize` line of a spec, and in PyTorch."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from nets import Block
from torch import Tensor
from torch.nn import functional

Loss = Callable[..., Tensor]  # (u [N, K], y [N, K] or classes [N], parameters) -> [N]


def cross_entropy(u: Tensor, y: Tensor) -> Tensor:
    return functional.cross_entropy(u, y, reduction="none")


def logistic(u: Tensor, y: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(u, y, reduction="none").sum(dim=1)


def huber(u: Tensor, y: Tensor, delta: float = 1.0) -> Tensor:
    return functional.huber_loss(u, y, reduction="none", delta=delta).sum(dim=1)


LOSSES: dict[str, Loss] = {
    "squared_error": lambda u, y: 0.5 * ((u - y) ** 2).sum(dim=1),
    "absolute_error": lambda u, y: (u - y).abs().sum(dim=1),
    "hinge": lambda u, y: functional.relu(1 - y * u).sum(dim=1),
    "cross_entropy": cross_entropy,
    "logistic": logistic,
    "huber": huber,
}
KINKS: dict[str, Loss] = {"absolute_error": lambda u, y: u - y, "hinge": lambda u, y: 1 - y * u}
TARGET = {"cross_entropy": "class", "logistic": "binary", "hinge": "sign"}

REGULARIZERS: dict[str, Callable[..., Tensor]] = {
    "l1": lambda w, strength: strength * w.abs().sum(),
    "l2": lambda w, strength: strength / 2 * (w**2).sum(),
    "elastic": lambda w, l1, l2: l1 * w.abs().sum() + l2 / 2 * (w**2).sum(),
}
PLACES = {"weights": ("W", "P"), "biases": ("b",), "parameters": ("W", "P", "b")}


@dataclass(frozen=True)
class Term:
    """`0.3 * huber(1.0)`, or with a place `l2(0.01, on=biases)`."""

    name: str
    parameters: tuple[float, ...] = ()
    factor: float | None = None
    on: str = ""

    def __str__(self) -> str:
        arguments = [*map(str, self.parameters), *([f"on={self.on}"] if self.on else [])]
        call = self.name + (f"({', '.join(arguments)})" if arguments else "")
        return f"{self.factor} * {call}" if self.factor is not None else call

    def scaled(self, value: Tensor) -> Tensor:
        return value if self.factor is None else self.factor * value


@dataclass(frozen=True)
class Problem:
    """`minimize mean(losses) + regularizers` over one or two target columns."""

    terms: tuple[Term, ...] = (Term("squared_error"),)
    regularizers: tuple[Term, ...] = ()
    over: str = "mean"
    targets: int = 1

    def __str__(self) -> str:
        inside = " + ".join(map(str, self.terms))
        return "minimize " + " + ".join([f"{self.over}({inside})", *map(str, self.regularizers)])

    @property
    def target(self) -> str:
        return TARGET.get(self.terms[0].name, "real")

    def losses(self, u: Tensor, y: Tensor) -> Tensor:
        return sum(term.scaled(LOSSES[term.name](u, y, *term.parameters)) for term in self.terms)

    def penalty(self, blocks: list[Block]) -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for term in self.regularizers:
            for block in chosen(term, blocks):
                total = total + term.scaled(REGULARIZERS[term.name](block.value, *term.parameters))
        return total

    def nearest_kink(self, u: Tensor, y: Tensor, blocks: list[Block]) -> float:
        distances = [KINKS[term.name](u, y) for term in self.terms if term.name in KINKS]
        for term in self.regularizers:
            if term.name != "l2":
                distances += [block.value for block in chosen(term, blocks)]
        return min((distance.abs().min().item() for distance in distances), default=float("inf"))


def chosen(term: Term, blocks: list[Block]) -> list[Block]:
    return [block for block in blocks if block.name in PLACES[term.on or "weights"]]


@dataclass(frozen=True)
class Samples:
    """x [N, inputs], y [N, targets], or classes [N]."""

    x: Tensor
    y: Tensor

    @classmethod
    def read(cls, path: Path, inputs: int, targets: int) -> "Samples":
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        x = [[float(row[f"x{k}"]) for k in range(1, inputs + 1)] for row in rows]
        y = [[float(row[f"y{k}"]) for k in range(1, targets + 1)] for row in rows]
        samples = cls(torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64))
        return cls(samples.x, samples.y[:, 0].long()) if path.stem == "class" else samples
