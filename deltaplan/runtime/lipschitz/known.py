"""Layers of which more is known than their steps tell."""

from collections.abc import Callable, Mapping
from math import prod, sqrt

import numpy as np

from deltaplan.compiler.nodes import Layer
from deltaplan.compiler.steps import Tensor
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lipschitz.arithmetic import Box

Blocks = Mapping[str, Array]  # the layer's parameters by their names within it
SOFTMAX = 0.5  # ‖diag(p) − ppᵀ‖ at most
Known = Callable[[Layer, Tensor, Blocks], tuple[float, Box]]


def _softmax(node: Layer, x: Tensor, blocks: Blocks) -> tuple[float, Box]:
    """diag(p) − ppᵀ has the norm ½ at most: a row's absolute sum is 2p(1 − p)."""
    return SOFTMAX, (np.zeros(x.shape), np.ones(x.shape))


def _layer_norm(node: Layer, x: Tensor, blocks: Blocks) -> tuple[float, Box]:
    """(I − 11ᵀ/n − x̂x̂ᵀ/n)/√(v + ε) has the norm 1/√ε at most, where all x are the same; |x̂| ≤ √(n − 1)."""
    eps = node.use.values["eps"]
    assert isinstance(eps, float | int)
    ones, zeros = np.ones(x.shape[-1:]), np.zeros(x.shape[-1:])
    scale, shift = np.abs(blocks.get("scale", ones)), blocks.get("b", zeros)
    reach = np.broadcast_to(scale * sqrt(max(prod(x.shape) - 1, 0)) * (1 + 1e-12), x.shape)
    return float(scale.max()) / sqrt(eps), (shift - reach, shift + reach)


KNOWN: Mapping[str, Known] = {"softmax": _softmax, "layer_norm": _layer_norm}
