"""Records values and gradients of convolutions, pools and sparse products in float64 PyTorch.

Run by hand where PyTorch is (2.13.0 was used): `python tests/reference/record_primitives.py`. The suite needs
only what this writes into primitives/: for each case the arrays `x`, `w`, `y` and, for a random `gy` = ∂L/∂y,
`gx` and `gw`, in PyTorch's layout: [N, C, *sides], kernels [out, in / groups, *kernel].
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as f

HERE = Path(__file__).parent / "primitives"
SAMPLES = 3
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...] | None, Callable[..., Tensor]]] = {
    "conv1d": ((4, 9), (6, 4, 3), lambda x, w: f.conv1d(x, w)),
    "conv1d_causal": ((3, 8), (2, 3, 3), lambda x, w: f.conv1d(f.pad(x, (4, 0)), w, dilation=2)),
    "conv1d_groups": ((4, 7), (6, 2, 2), lambda x, w: f.conv1d(x, w, stride=2, padding=1, groups=2)),
    "conv2d": ((2, 6, 5), (3, 2, 3, 2), lambda x, w: f.conv2d(x, w)),
    "conv2d_same": ((2, 5, 4), (4, 2, 3, 3), lambda x, w: f.conv2d(x, w, padding=1)),
    "conv2d_strides": ((2, 7, 6), (3, 2, 3, 3), lambda x, w: f.conv2d(x, w, stride=(2, 3), padding=(1, 2))),
    "conv2d_dilated": ((1, 9, 8), (2, 1, 3, 2), lambda x, w: f.conv2d(x, w, dilation=(2, 3))),
    "conv2d_depthwise": ((3, 5, 5), (6, 1, 3, 3), lambda x, w: f.conv2d(x, w, padding=1, groups=3)),
    "conv2d_point": ((4, 3, 3), (2, 4, 1, 1), lambda x, w: f.conv2d(x, w, stride=2)),
    "max_pool1d": ((2, 9), None, lambda x: f.max_pool1d(x, 3, stride=2, padding=1)),
    "max_pool2d": ((2, 6, 5), None, lambda x: f.max_pool2d(x, 2)),
    "max_pool2d_overlapping": ((2, 6, 7), None, lambda x: f.max_pool2d(x, 3, stride=2, padding=1)),
    "sum_pool2d": ((2, 6, 6), None, lambda x: f.avg_pool2d(x, (2, 3)) * 6),
    "sum_pool2d_padded": ((2, 5, 5), None, lambda x: f.avg_pool2d(x, 3, stride=2, padding=1) * 9),
    "unpool2d": ((2, 3, 2), None, lambda x: f.interpolate(x, scale_factor=(2, 3))),
}


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for number, (name, (shape, kernel, function)) in enumerate(CASES.items()):
        draw = torch.Generator().manual_seed(number)

        def normal(*sides: int, draw: torch.Generator = draw) -> Tensor:
            return torch.randn(sides, generator=draw, dtype=torch.float64)

        inputs = {"x": normal(SAMPLES, *shape)} | ({"w": normal(*kernel)} if kernel else {})
        for tensor in inputs.values():
            tensor.requires_grad_()
        y = function(*inputs.values())
        seed = normal(*y.shape)
        slopes = torch.autograd.grad(y, list(inputs.values()), seed)
        arrays = inputs | {"y": y, "gy": seed}
        arrays |= {f"g{key}": slope for key, slope in zip(inputs, slopes, strict=True)}
        np.savez(HERE / f"{name}.npz", **{key: t.detach().numpy() for key, t in arrays.items()})


if __name__ == "__main__":
    main()
