"""Records norms of the samples' gradients, and a Hessian-vector product, of every layer in float64 PyTorch.

Run by hand where PyTorch is (2.13.0 was used): `python record_curvature.py` within this folder, after
record_layers.py, whose nets, parameters and samples it takes. The suite needs only curvature.npz:

    CASE norms [N]            ‖∇ℓᵢ‖ of ½‖u − y‖² of each sample
    CASE v NAME               a direction, block by block
    CASE hvp NAME             the Hessian of the mean of ½‖u − y‖², times v
"""

from pathlib import Path

import numpy as np
import torch
from record_layers import CASES, HERE, Case
from torch import Tensor


def main() -> None:
    found = {}
    for number, (name, case) in enumerate(CASES.items()):
        found |= {f"{name} {key}": value for key, value in record(name, case, number).items()}
    np.savez_compressed(Path(__file__).parent / "curvature.npz", **found)


def record(name: str, case: Case, seed: int) -> dict[str, np.ndarray]:
    arrays = np.load(HERE / f"{name}.npz")
    blocks = {block: torch.from_numpy(arrays[f"value {block}"]).requires_grad_() for block in case.blocks}
    x, y = torch.from_numpy(arrays["x"]).reshape(-1, *case.shape), torch.from_numpy(arrays["y"])
    u = case.net(x.movedim(-1, 1) if len(case.shape) > 1 else x, blocks)
    losses = 0.5 * ((u - y) ** 2).sum(1)
    draw = torch.Generator().manual_seed(2000 + seed)
    v = {block: torch.randn(w.shape, generator=draw, dtype=torch.float64) for block, w in blocks.items()}
    recorded = {"norms": np.array([norm(loss, blocks) for loss in losses])}
    products = hessian_times(losses.mean(), blocks, v)
    recorded |= {f"v {block}": w.numpy() for block, w in v.items()}
    return recorded | {f"hvp {block}": w.detach().numpy() for block, w in products.items()}


def norm(loss: Tensor, blocks: dict[str, Tensor]) -> float:
    slopes = torch.autograd.grad(loss, list(blocks.values()), retain_graph=True)
    return float(torch.sqrt(sum((slope**2).sum() for slope in slopes)))


def hessian_times(loss: Tensor, blocks: dict[str, Tensor], v: dict[str, Tensor]) -> dict[str, Tensor]:
    parameters = list(blocks.values())
    slopes = torch.autograd.grad(loss, parameters, create_graph=True)
    along = sum((slope * v[name]).sum() for name, slope in zip(blocks, slopes, strict=True))
    products = torch.autograd.grad(along, parameters, materialize_grads=True)
    return dict(zip(blocks, products, strict=True))


if __name__ == "__main__":
    main()
