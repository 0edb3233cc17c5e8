"""How much each node can enlarge what flows through it, and the bounds that follow for z and δ.

The lecture's estimates, over any graph: ‖δ_j‖ ≤ L·‖W_j‖₂·‖δ_{j+1}‖ for an L-Lipschitz activation, with
1 + L·‖W_j‖₂ where a skip adds its own; ‖z_{j+1}‖ ≤ L·(‖W_j‖₂·‖z_j‖ + ‖b_j‖) + |σ(0)|·√n.
"""

from collections.abc import Mapping, Sequence
from math import hypot, prod, sqrt
from typing import Any

import numpy as np

from deltaplan.plugins.api import Node, Subject

Vector = np.ndarray[Any, np.dtype[np.float64]]
Bounds = dict[str, float | None]  # by node; None where nothing is known

KEEP = frozenset(
    {"identity", "flatten", "reshape", "dropout", "noise", "softmax"}
)  # 1-Lipschitz in prediction
LINEAR = frozenset({"conv", "sparse", "avg_pool", "global_avg_pool", "upsample", "batch_norm"})
LARGEST = 1 << 17  # entries of a matrix whose norm is computed as it is


def gains(subject: Subject, theta: Vector) -> Bounds:
    """A bound of the operator norm of each node's Jacobian by one argument, for all inputs."""
    blocks = subject.problem.split(theta)
    shapes = {node.name: node.shape for node in subject.nodes}
    return {n.name: _gain(subject, theta, n, blocks, shapes) for n in subject.nodes if n.sources}


def slopes_within(nodes: Sequence[Node], gain: Bounds, known: Bounds) -> Bounds:
    """Bounds of ‖δ‖ of each node from those of the outputs, which are `known`."""
    found: Bounds = {node.name: 0.0 for node in nodes}
    for node in reversed(nodes):
        if node.name in known:
            found[node.name] = known[node.name]
        for source in node.sources:
            found[source] = _sum(found[source], _product(gain[node.name], found[node.name]))
    return found


def values_within(nodes: Sequence[Node], gain: Bounds, known: Bounds, biases: Mapping[str, float]) -> Bounds:
    """Bounds of ‖z‖ of each node from those of the inputs, which are `known`; `biases` are ‖b‖ by layer, over
    all places of a picture."""
    found: Bounds = dict(known)
    for node in nodes:
        if node.name not in known:
            found[node.name] = _value(node, gain[node.name], [found[s] for s in node.sources], biases)
    return found


def biases_of(nodes: Sequence[Node], blocks: Mapping[str, Vector]) -> dict[str, float]:
    """‖b‖ of the vector that each layer adds: a channel's bias counts at each place."""
    return {
        n.name: float(np.linalg.norm(blocks[name])) * sqrt(prod(n.shape) / blocks[name].size)
        for n in nodes
        for name in n.blocks
        if name.endswith(".b")
    }


def _gain(
    subject: Subject,
    theta: Vector,
    node: Node,
    blocks: Mapping[str, Vector],
    shapes: Mapping[str, tuple[int, ...]],
) -> float | None:
    match node.role, node.kind:
        case "activation", _:
            return max(map(abs, node.slope)) if node.slope else None
        case "pad", _:
            return 1.0
        case "join", kind:
            return None if kind == "mul" else 1.0
        case _, "dense":
            return float(np.linalg.norm(blocks[node.blocks[0]], 2))
        case _, "scale":
            return float(abs(blocks[node.blocks[0]]).max())
        case _, kind if kind in KEEP:
            return 1.0
        case _, kind if kind in LINEAR:
            return _linear(subject, theta, node, blocks, prod(shapes[node.sources[0]]))
        case _:
            return None


def _linear(
    subject: Subject, theta: Vector, node: Node, blocks: Mapping[str, Vector], width: int
) -> float | None:
    """The norm of the matrix that the layer is; of a large convolution the sum over its offsets."""
    if prod(node.shape) * width <= LARGEST:
        return float(np.linalg.norm(subject.problem.partial(theta, node.name, node.sources[0]), 2))
    if node.kind != "conv":
        return None
    kernel = blocks[node.blocks[0]]
    offsets = kernel.reshape(len(kernel), -1, kernel.shape[-1]).swapaxes(0, 1)
    return float(np.linalg.norm(offsets, 2, axis=(1, 2)).sum())


def _value(
    node: Node, gain: float | None, sources: Sequence[float | None], biases: Mapping[str, float]
) -> float | None:
    if node.role == "join":
        return _joined(node.kind, sources)
    through = _product(gain, sources[0])
    if node.role == "activation":
        return _sum(through, abs(node.at_zero) * sqrt(prod(node.shape)))
    return _sum(through, biases.get(node.name, 0.0))


def _joined(kind: str, sources: Sequence[float | None]) -> float | None:
    known = [s for s in sources if s is not None]
    if len(known) < len(sources):
        return None
    return hypot(*known) if kind == "concat" else prod(known) if kind == "mul" else sum(known)


def _product(a: float | None, b: float | None) -> float | None:
    if a == 0 or b == 0:
        return 0.0
    return None if a is None or b is None else a * b


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
