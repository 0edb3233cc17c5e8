"""The bounds of z and δ that follow from how much each node can enlarge what flows through it.

The lecture's estimates, over any graph and for each sample: ‖δ_j‖ ≤ L·‖W_j‖₂·‖δ_{j+1}‖ for an L-Lipschitz
activation, with 1 + L·‖W_j‖₂ where a skip adds its own; ‖z_{j+1}‖ ≤ L·(‖W_j‖₂·‖z_j‖ + ‖b_j‖) + |σ(0)|·√n, and
at most what the values can be in the box of the data.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import numpy as np

from deltaplan.plugins.api import Gain, Node

Vector = np.ndarray[Any, np.dtype[np.float64]]
Norms = dict[str, Vector]  # of each sample [N], by node; ∞ where nothing is known


def slopes_within(nodes: Sequence[Node], gains: Mapping[str, Gain], known: Norms) -> Norms:
    """Bounds of ‖δ‖ of each node from those of the outputs, which are `known`."""
    zero = np.zeros_like(next(iter(known.values())))
    found: Norms = {node.name: zero for node in nodes} | known
    for node in reversed(nodes):
        for source, factor in zip(node.sources, _factors(node, gains), strict=True):
            found[source] = found[source] + times(factor, found[node.name])
    return found


def values_within(nodes: Sequence[Node], gains: Mapping[str, Gain], known: Norms) -> Norms:
    """Bounds of ‖z‖ of each node from those of the inputs, which are `known`."""
    found = dict(known)
    for node in nodes:
        if node.name not in known:
            found[node.name] = _value(node, gains.get(node.name), [found[s] for s in node.sources])
    return found


def _factors(node: Node, gains: Mapping[str, Gain]) -> tuple[float, ...]:
    """What no output depends on lets nothing through."""
    return gains[node.name].factors if node.name in gains else (0.0,) * len(node.sources)


def _value(node: Node, gain: Gain | None, sources: Sequence[Vector]) -> Vector:
    if gain is None:
        return np.full_like(sources[0], inf)
    match node.kind:
        case "concat":
            found = np.sqrt(np.sum(np.square(sources), axis=0))
        case "mul":
            found = np.prod(sources, axis=0)
        case _ if not gain.everywhere:
            return np.full_like(sources[0], gain.longest)
        case _:
            parts = [times(factor, z) for factor, z in zip(gain.factors, sources, strict=True)]
            found = np.sum(parts, axis=0) + gain.at_zero
    return np.asarray(np.minimum(found, gain.longest))


def times(factor: float, norms: Vector) -> Vector:
    """0 where one of them is 0: what nothing reaches is not enlarged."""
    with np.errstate(invalid="ignore"):
        return np.where((norms == 0) | (factor == 0), 0.0, factor * norms)
