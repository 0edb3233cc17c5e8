"""Records ten Adam and ten SGD steps of the lecture's 3x5,1,1 and 45x5,1,1 in float64 PyTorch.

Run by hand where PyTorch is (2.13.0 was used): `python tests/reference/record_steps.py`. The suite needs only
what this writes into steps/: specs with their data, and for each spec an npz with

    x [N], y [N]            the samples
    layer [K], block [K]    the layer j = 1, 2, ... and the name, W or b, of each parameter block
    shape [K, 2]            W: outputs, inputs; b: outputs, 1
    theta [11, P]           the parameters before each step and after the last, block by block, W row by row
    m, v [10, P]            Adam's state before each step; the step's number is its row counted from 1
    loss, objective [10]    before each step; the objective has l2 in it
    gradient [10, P]        of the objective
"""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from nets import Block, Dense, Net, forward, initial
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer

HERE = Path(__file__).parent / "steps"
WAVE = Path(__file__).parents[2] / "specs" / "wave.csv"
STEPS = 10
DECAY = 1e-4
NEAREST_KINK = 1e-6
NETS = {"w1": (3, 2), "w2": (45, 6)}  # hidden layers of width 5, and the seed of the initial parameters
OPTIMIZERS: dict[str, Callable[[list[Tensor]], Optimizer]] = {
    "adam(lr=0.01)": lambda blocks: Adam(blocks, lr=0.01, betas=(0.9, 0.999), eps=1e-8),
    "sgd(lr=0.05)": lambda blocks: SGD(blocks, lr=0.05),
}
SPEC = """
data {{
    csv "wave.csv"
    inputs t
    targets y
}}

train {{
    minimize mean(squared_error) + l2({decay})
    optimizer {optimizer}
    steps {steps}
    batch full
    precision float64
}}
"""


def main() -> None:
    HERE.mkdir(exist_ok=True)
    shutil.copyfile(WAVE, HERE / "wave.csv")
    for name, (hidden, seed) in NETS.items():
        net = Net(1, (Dense((5,) * hidden + (1,), "leaky_relu", (0.01,), residual="residual"),), 1)
        for optimizer in OPTIMIZERS:
            stem = f"{name}_{optimizer.split('(')[0]}"
            spec = SPEC.format(decay=DECAY, optimizer=optimizer, steps=STEPS)
            text = str(net).replace(", ".join(["5"] * hidden), f"{hidden}x5") + spec
            (HERE / f"{stem}.dl").write_text(text, encoding="utf-8", newline="\n")
            np.savez_compressed(HERE / f"{stem}.npz", **record(net, seed, OPTIMIZERS[optimizer]))


def record(net: Net, seed: int, optimizer: Callable[[list[Tensor]], Optimizer]) -> dict[str, np.ndarray]:
    t, y = samples()
    blocks = initial(net, seed)
    values = [block.value.requires_grad_() for block in blocks]
    solver = optimizer(values)
    rows: dict[str, list[np.ndarray | float]] = {}
    for _ in range(STEPS):
        before = {"theta": flat(values), **state(solver, values)}
        for key, value in {**before, **problem(net, blocks, t, y)}.items():
            rows.setdefault(key, []).append(value)
        solver.step()
    rows["theta"].append(flat(values))
    return {"x": t.numpy().ravel(), "y": y.numpy().ravel(), **layout(blocks)} | {
        key: np.array(row) for key, row in rows.items()
    }


def samples() -> tuple[Tensor, Tensor]:
    with WAVE.open(encoding="utf-8", newline="") as file:
        rows = [(float(row["t"]), float(row["y"])) for row in csv.DictReader(file)]
    return tuple(torch.tensor(rows, dtype=torch.float64).split(1, dim=1))


def problem(net: Net, blocks: list[Block], t: Tensor, y: Tensor) -> dict[str, np.ndarray | float]:
    """Loss, objective and gradient at the parameters, which must keep away from the kinks."""
    u, nearest = forward(net, blocks, t)
    assert nearest > NEAREST_KINK, f"a unit is {nearest} from its kink: take another seed"
    loss = (0.5 * (u - y) ** 2).sum(dim=1).mean()
    objective = loss + DECAY / 2 * sum((block.value**2).sum() for block in blocks if block.name == "W")
    gradient = torch.autograd.grad(objective, [block.value for block in blocks])
    for block, slope in zip(blocks, gradient, strict=True):
        block.value.grad = slope
    assert torch.isfinite(objective)
    return {"loss": loss.item(), "objective": objective.item(), "gradient": flat(gradient)}


def state(solver: Optimizer, values: list[Tensor]) -> dict[str, np.ndarray]:
    if not isinstance(solver, Adam):
        return {}
    held = [solver.state[value] for value in values]
    zeros = [torch.zeros_like(value) for value in values]
    return {
        ours: flat([at.get(theirs, zero) for at, zero in zip(held, zeros, strict=True)])
        for ours, theirs in (("m", "exp_avg"), ("v", "exp_avg_sq"))
    }


def flat(values: list[Tensor] | tuple[Tensor, ...]) -> np.ndarray:
    return torch.cat([value.detach().reshape(-1) for value in values]).numpy().copy()


def layout(blocks: list[Block]) -> dict[str, np.ndarray]:
    shapes = [(*block.value.shape, 1)[:2] for block in blocks]
    return {
        "layer": np.array([block.layer for block in blocks]),
        "block": np.array([block.name for block in blocks]),
        "shape": np.array(shapes),
    }


if __name__ == "__main__":
    main()
