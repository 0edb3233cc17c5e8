"""Dense nets said twice: as the lines of a spec, and in PyTorch, which computes the recorded values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "identity": lambda v: v,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "softplus": lambda v: torch.logaddexp(v, torch.zeros_like(v)),
    "silu": functional.silu,
    "gelu": functional.gelu,
    "mish": functional.mish,
}
KINKED = {"relu", "leaky_relu", "elu"}


@dataclass(frozen=True)
class Dense:
    """One line of a spec: `dense 4x2, 3  0.5 * tanh  residual=pad`."""

    widths: tuple[int, ...]
    activation: str = "identity"
    parameters: tuple[float, ...] = ()
    factor: float | None = None
    residual: str = ""
    bias: bool = True

    def __str__(self) -> str:
        call = self.activation + (f"({', '.join(map(str, self.parameters))})" if self.parameters else "")
        scaled = f"{self.factor} * {call}" if self.factor is not None else call
        words = [", ".join(map(str, self.widths)), scaled, self.residual, "" if self.bias else "bias=false"]
        return "dense " + "  ".join(word for word in words if word)

    def apply(self, v: Tensor) -> Tensor:
        value = ACTIVATIONS[self.activation](v, *self.parameters)
        return value if self.factor is None else self.factor * value


@dataclass(frozen=True)
class Net:
    """`input p`, the dense lines, `output k`."""

    inputs: int
    lines: tuple[Dense, ...]
    outputs: int

    def __str__(self) -> str:
        lines = [f"input {self.inputs}", *map(str, self.lines), f"output {self.outputs}"]
        return "model net {\n" + "".join(f"    {line}\n" for line in lines) + "}\n"

    def layers(self) -> Iterator[tuple[Dense, int, int]]:
        """For each affine map its line, its inputs and its outputs."""
        lines = [(line, width) for line in self.lines for width in line.widths]
        lines.append((Dense(()), self.outputs))
        widths = [self.inputs, *(width for _, width in lines)]
        for (line, _), (before, after) in zip(lines, pairwise(widths), strict=True):
            yield line, before, after


@dataclass(frozen=True)
class Block:
    """The weight `W` [out, in], bias `b` [out] or skip's projection `P` [out, in] of layer j = 1, 2, ..."""

    layer: int
    name: str
    value: Tensor


def initial(net: Net, seed: int) -> list[Block]:
    """W ~ normal(0, √(2/fan_in)), inside a skip over √(number of skips); b ~ uniform(±1/√fan_in)."""
    random = torch.Generator().manual_seed(seed)
    skips = sum(bool(line.residual) and before == after for line, before, after in net.layers())
    blocks = []
    for j, (line, before, after) in enumerate(net.layers(), start=1):
        shrink = skips**-0.5 if line.residual and before == after else 1.0
        normal = torch.randn(after, before, generator=random, dtype=torch.float64)
        blocks.append(Block(j, "W", normal * (2 / before) ** 0.5 * shrink))
        if line.bias:
            uniform = torch.rand(after, generator=random, dtype=torch.float64)
            blocks.append(Block(j, "b", (2 * uniform - 1) / before**0.5))
        if line.residual == "residual=project" and before != after:
            normal = torch.randn(after, before, generator=random, dtype=torch.float64)
            blocks.append(Block(j, "P", normal / before**0.5))
    return blocks


def forward(net: Net, blocks: list[Block], x: Tensor) -> tuple[Tensor, float]:
    """The outputs u [N, outputs] for the samples x [N, inputs], and how near a kink any unit came."""
    of = {(block.layer, block.name): block.value for block in blocks}
    z, nearest = x, float("inf")
    for j, (line, _, _) in enumerate(net.layers(), start=1):
        v = z @ of[j, "W"].T
        v = v + of[j, "b"] if line.bias else v
        if line.activation in KINKED:
            nearest = min(nearest, v.detach().abs().min().item())
        z = skip(line, z, of.get((j, "P")), v.shape[1]) + line.apply(v)
    return z, nearest


def skip(line: Dense, z: Tensor, projection: Tensor | None, width: int) -> Tensor | float:
    if projection is not None:
        return z @ projection.T
    if line.residual and z.shape[1] == width:
        return z
    if line.residual == "residual=pad":
        return functional.pad(z, (0, width - z.shape[1]))
    return 0.0
