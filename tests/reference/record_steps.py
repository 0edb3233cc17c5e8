"""Records ten steps of the lecture's 3x5,1,1 and 45x5,1,1 with PyTorch's optimizers in float64.

Run by hand where PyTorch is (2.13.0 was used): `python tests/reference/record_steps.py [NAME ...]`; without
names every case is recorded. The suite needs only what this writes into steps/: specs with their data, and
for each spec an npz with

    x [N], y [N]            the samples
    layer [K], block [K]    the layer j = 1, 2, ... and the name, W or b, of each parameter block
    shape [K, 2]            W: outputs, inputs; b: outputs, 1
    theta [11, P]           the parameters before each step and after the last, block by block, W row by row
    m, v, ... [10, P]       the optimizer's state before each step, whose number is its row counted from 1
    loss, objective [10]    before each step; the objective has l2 in it
    gradient [10, P]        of the objective; 0 for what is not trained
"""

import csv
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from nets import Block, Dense, Net, forward, initial
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, MultiStepLR

HERE = Path(__file__).parent / "steps"
WAVE = Path(__file__).parents[2] / "specs" / "wave.csv"
STEPS = 10
DECAY = 1e-4
NEAREST_KINK = 1e-6
NETS = {"w1": (3, 2), "w2": (45, 6)}  # hidden layers of width 5, and the seed of the initial parameters
STATES = {
    SGD: {"velocity": "momentum_buffer"},
    Adam: {"m": "exp_avg", "v": "exp_avg_sq"},
    AdamW: {"m": "exp_avg", "v": "exp_avg_sq"},
    RMSprop: {"v": "square_avg", "mean": "grad_avg", "velocity": "momentum_buffer"},
    Adagrad: {"total": "sum"},
}  # our names and PyTorch's


@dataclass(frozen=True)
class Case:
    """The optimizer as a spec says it, and as PyTorch does; further lines of the spec and what they mean."""

    text: str
    solver: Callable[[list[Block]], Optimizer]
    lines: tuple[str, ...] = (f"steps {STEPS}",)
    clip: float | None = None
    schedule: Callable[[Optimizer], LRScheduler] | None = None
    trained: Callable[[Block, int], bool] = lambda block, last: True


def values(blocks: list[Block]) -> list[Tensor]:
    return [block.value for block in blocks]


def two_rates(blocks: list[Block]) -> Optimizer:
    """Biases three times as fast; only what has a gradient is in a group."""
    chosen = [b for b in blocks if b.value.requires_grad]
    groups = [{"params": [b.value for b in chosen if (b.name == "b") == bias]} for bias in (False, True)]
    groups[1]["lr"] = 0.03
    return Adam(groups, lr=0.01)


def weights_decay(blocks: list[Block]) -> Optimizer:
    """PyTorch decays what a group says: weights alone."""
    groups = [{"params": [b.value for b in blocks if (b.name == "b") == bias]} for bias in (False, True)]
    groups[1]["weight_decay"] = 0.0
    return AdamW(groups, lr=0.01, weight_decay=0.1)


CASES = {
    "adam": Case("adam(lr=0.01)", lambda b: Adam(values(b), lr=0.01)),
    "sgd": Case("sgd(lr=0.05)", lambda b: SGD(values(b), lr=0.05)),
    "adamw": Case("adamw(lr=0.01, weight_decay=0.1)", weights_decay),
    "adamw_biases": Case(
        "adamw(lr=0.01, weight_decay=0.1, decay_biases=true)",
        lambda b: AdamW(values(b), lr=0.01, weight_decay=0.1),
    ),
    "rmsprop": Case(
        "rmsprop(lr=0.01, rho=0.9, eps=1e-6)", lambda b: RMSprop(values(b), lr=0.01, alpha=0.9, eps=1e-6)
    ),
    "rmsprop_centered": Case(
        "rmsprop(lr=0.01, rho=0.9, momentum=0.5, centered=true)",
        lambda b: RMSprop(values(b), lr=0.01, alpha=0.9, momentum=0.5, centered=True),
    ),
    "adagrad": Case("adagrad(lr=0.1)", lambda b: Adagrad(values(b), lr=0.1)),
    "clip": Case(
        "adam(lr=0.01)",
        lambda b: Adam(values(b), lr=0.01),
        (f"steps {STEPS}", "clip norm=0.2"),
        clip=0.2,
    ),
    "cosine": Case(
        "adam(lr=cosine(0.05, end=0.01))",
        lambda b: Adam(values(b), lr=0.05),
        schedule=lambda solver: CosineAnnealingLR(solver, T_max=STEPS, eta_min=0.01),
    ),
    "step": Case(
        "sgd(lr=step(0.1, at=[3, 7], factor=0.5), momentum=0.9)",
        lambda b: SGD(values(b), lr=0.1, momentum=0.9),
        (f"epochs {STEPS}",),
        schedule=lambda solver: MultiStepLR(solver, milestones=[3, 7], gamma=0.5),
    ),
    "linear": Case(
        "rmsprop(lr=linear(0.02, end=0.005, over=6))",
        lambda b: RMSprop(values(b), lr=0.02),
        schedule=lambda solver: LinearLR(solver, start_factor=1.0, end_factor=0.25, total_iters=6),
    ),
    "warmup": Case(
        "adam(lr=warmup(0.02, over=4))",
        lambda b: Adam(values(b), lr=0.02),
        schedule=lambda solver: LinearLR(solver, start_factor=0.25, end_factor=1.0, total_iters=3),
    ),
    "only": Case(
        "adam(lr=0.01)",
        two_rates,
        (f"steps {STEPS}", "only output, biases", "lr_scale 3 on=biases", "clip norm=0.2"),
        clip=0.2,
        trained=lambda block, last: block.name == "b" or block.layer == last,
    ),
}
DEEP = ("adam", "sgd")  # recorded for the deep net too
SPEC = """
data {{
    csv "wave.csv"
    inputs t
    targets y
}}

train {{
    minimize mean(squared_error) + l2({decay})
    optimizer {optimizer}
    {length}
    batch full
    precision float64
}}
"""


def main() -> None:
    HERE.mkdir(exist_ok=True)
    shutil.copyfile(WAVE, HERE / "wave.csv")
    stems = [f"{net}_{case}" for net in NETS for case in CASES if net == "w1" or case in DEEP]
    for stem in sys.argv[1:] or stems:
        write(stem)


def write(stem: str) -> None:
    name, _, key = stem.partition("_")
    (hidden, seed), case = NETS[name], CASES[key]
    net = Net(1, (Dense((5,) * hidden + (1,), "leaky_relu", (0.01,), residual="residual"),), 1)
    spec = SPEC.format(decay=DECAY, optimizer=case.text, length="\n    ".join(case.lines))
    text = str(net).replace(", ".join(["5"] * hidden), f"{hidden}x5") + spec
    (HERE / f"{stem}.dl").write_text(text, encoding="utf-8", newline="\n")
    np.savez_compressed(HERE / f"{stem}.npz", **record(net, seed, case))


def record(net: Net, seed: int, case: Case) -> dict[str, np.ndarray]:
    t, y = samples()
    blocks = initial(net, seed)
    for block in blocks:
        block.value.requires_grad_(case.trained(block, blocks[-1].layer))
    solver = case.solver(blocks)
    schedule = case.schedule and case.schedule(solver)
    rows: dict[str, list[np.ndarray | float]] = {}
    for _ in range(STEPS):
        before = {"theta": flat(values(blocks)), **state(solver, values(blocks))}
        for key, value in {**before, **problem(net, blocks, t, y)}.items():
            rows.setdefault(key, []).append(value)
        if case.clip:
            clip(values(blocks), case.clip)
        solver.step()
        if schedule:
            schedule.step()
    rows["theta"].append(flat(values(blocks)))
    return {"x": t.numpy().ravel(), "y": y.numpy().ravel(), **layout(blocks)} | {
        key: np.array(row) for key, row in rows.items()
    }


def clip(parameters: list[Tensor], largest: float) -> None:
    """As clip_grad_norm_, which adds 1e-6 to the norm."""
    trained = [p for p in parameters if p.grad is not None]
    norm = get_total_norm([p.grad for p in trained])
    assert norm > largest, "nothing to clip"
    for parameter in trained:
        parameter.grad *= largest / norm


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
    trained = [block.value for block in blocks if block.value.requires_grad]
    for value, slope in zip(trained, torch.autograd.grad(objective, trained), strict=True):
        value.grad = slope
    assert torch.isfinite(objective)
    gradient = [b.value.grad if b.value.requires_grad else torch.zeros_like(b.value) for b in blocks]
    return {"loss": loss.item(), "objective": objective.item(), "gradient": flat(gradient)}


def state(solver: Optimizer, values: list[Tensor]) -> dict[str, np.ndarray]:
    """The state before a step; what PyTorch makes in the first step is 0 before it."""
    held = [solver.state[value] for value in values]
    zeros = [torch.zeros_like(value) for value in values]
    return {
        ours: flat(
            [zero if at.get(theirs) is None else at[theirs] for at, zero in zip(held, zeros, strict=True)]
        )
        for ours, theirs in STATES.get(type(solver), {}).items()
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
