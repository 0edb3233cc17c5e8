"""Records values and gradients of every layer in float64 PyTorch.

Run by hand where PyTorch is (2.13.0 was used): `python tests/reference/record_layers.py`. The suite needs
only what this writes into layers/: for each case a spec (dl) and an npz with

    x [N, features], y [N, outputs]   the samples, channels last, and their targets
    value NAME, gradient NAME         a parameter block by its name in the spec, in the project's layout
    outputs [N, outputs]              u
    loss, objective                   the mean of ½‖u − y‖², and with l2(0.1)

and where layers keep running statistics, with the values and gradients of a step of training,

    before NAME, after NAME           a running statistic before that step and after it
    predicted [N, outputs]            u by the running statistics of before
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as f

HERE = Path(__file__).parent / "layers"
SAMPLES, STRENGTH = 5, 0.1
Blocks = dict[str, Tensor]
SPEC = """model net {{
    {lines}
}}

train {{
    minimize mean(squared_error) + l2(0.1)
    optimizer sgd(lr=0.1)
    steps 1
    precision float64
}}
"""


@dataclass(frozen=True)
class Case:
    """A spec's lines, the shape of its input, its parameter blocks by name, and the net on [N, C, *sides]."""

    lines: str
    shape: tuple[int, ...]
    blocks: dict[str, tuple[int, ...]]
    net: Callable[..., Tensor]

    @property
    def text(self) -> str:
        return SPEC.format(lines="\n    ".join(line.strip() for line in self.lines.split(";")))


def kernel(w: Tensor) -> Tensor:
    """[out, *kernel, in] as PyTorch has it."""
    return w.movedim(-1, 1)


def flat(x: Tensor) -> Tensor:
    """[N, C, *sides] as features, channels last."""
    return x.movedim(1, -1).flatten(1)


def channels(b: Tensor, like: Tensor) -> Tensor:
    return b.reshape(1, -1, *[1] * (like.ndim - 2))


def dense(x: Tensor, p: Blocks, name: str) -> Tensor:
    return x @ p[f"{name}.W"].T + p[f"{name}.b"]


def conv(x: Tensor, p: Blocks, name: str, **options: object) -> Tensor:
    function = f.conv2d if x.ndim == 4 else f.conv1d
    return function(x, kernel(p[f"{name}.W"]), p.get(f"{name}.b"), **options)


def layer_norm(x: Tensor, p: Blocks, name: str, eps: float = 1e-5) -> Tensor:
    normal = f.layer_norm(x, x.shape[1:], eps=eps)
    scale, b = p.get(f"{name}.scale"), p.get(f"{name}.b")
    scaled = normal if scale is None else normal * channels(scale, x)
    return scaled if b is None else scaled + channels(b, x)


def out(x: Tensor, p: Blocks) -> Tensor:
    return dense(flat(x) if x.ndim > 2 else x, p, "output")


def affine(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.W": shape, f"{name}.b": shape[:1]}


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.scale": (width,), f"{name}.b": (width,)}


CASES = {
    "conv": Case(
        "input 6x5x2; conv 3 kernel=3x2 tanh; flatten; output 2",
        (6, 5, 2),
        affine("conv1", 3, 3, 2, 2) | affine("output", 2, 48),
        lambda x, p: out(torch.tanh(conv(x, p, "conv1")), p),
    ),
    "conv_same": Case(
        "input 5x7x2; conv 4 kernel=3x4 stride=2 padding=same silu; conv 2 kernel=3 padding=same dilation=2"
        " bias=false; flatten; output 1",
        (5, 7, 2),
        affine("conv1", 4, 3, 4, 2) | {"conv2.W": (2, 3, 3, 4)} | affine("output", 1, 24),
        lambda x, p: out(
            f.conv2d(
                f.silu(conv(f.pad(x, (1, 2, 1, 1)), p, "conv1", stride=2)), kernel(p["conv2.W"]),
                padding=2, dilation=2,
            ),
            p,
        ),
    ),
    "conv_groups": Case(
        "input 4x4x4; conv 6 kernel=2 groups=2 padding=1 gelu; global_avg_pool; output 2",
        (4, 4, 4),
        affine("conv1", 6, 2, 2, 2) | affine("output", 2, 6),
        lambda x, p: out(f.gelu(conv(x, p, "conv1", padding=1, groups=2)).mean((2, 3)), p),
    ),
    "conv_sequence": Case(
        "input 8x3; conv 4 kernel=3 padding=causal dilation=2 mish; conv 4 kernel=2 stride=2 residual=project"
        " softplus; flatten; output 2",
        (8, 3),
        affine("conv1", 4, 3, 3) | affine("conv2", 4, 2, 4) | {"conv2.project.W": (4, 1, 4)}
        | affine("output", 2, 16),
        lambda x, p: sequence(x, p),
    ),
    "pools": Case(
        "input 7x6x2; max_pool 2; upsample 2x3; max_pool 3 stride=2 padding=1; flatten; output 2",
        (7, 6, 2),
        affine("output", 2, 30),
        lambda x, p: out(
            f.max_pool2d(
                f.interpolate(f.max_pool2d(x, 2), scale_factor=(2.0, 3.0)), 3, stride=2, padding=1
            ),
            p,
        ),
    ),
    "avg_pools": Case(
        "input 7x6x2; conv 2 kernel=1; avg_pool 2 stride=1; avg_pool 3 padding=1; flatten; output 2",
        (7, 6, 2),
        affine("conv1", 2, 1, 1, 2) | affine("output", 2, 8),
        lambda x, p: out(
            f.avg_pool2d(
                f.avg_pool2d(conv(x, p, "conv1"), 2, stride=1), 3, padding=1, count_include_pad=False
            ),
            p,
        ),
    ),
    "reshape": Case(
        "input 12; reshape 2x3x2; conv 2 kernel=2 tanh; flatten; output 1",
        (12,),
        affine("conv1", 2, 2, 2, 2) | affine("output", 1, 4),
        lambda x, p: out(torch.tanh(conv(x.reshape(-1, 2, 3, 2).movedim(-1, 1), p, "conv1")), p),
    ),
    "layer_norm": Case(
        "input 5; dense 6; layer_norm relu; layer_norm eps=0.01 scale=false; layer_norm bias=false; output 2",
        (5,),
        affine("dense1", 6, 5) | norm("layer_norm1", 6) | {"layer_norm2.b": (6,), "layer_norm3.scale": (6,)}
        | affine("output", 2, 6),
        lambda x, p: out(
            layer_norm(
                layer_norm(
                    f.relu(layer_norm(dense(x, p, "dense1"), p, "layer_norm1")), p, "layer_norm2", 0.01
                ),
                p, "layer_norm3",
            ),
            p,
        ),
    ),
    "layer_norm_of_pictures": Case(
        "input 4x3x2; layer_norm; scale tanh; flatten; output 2",
        (4, 3, 2),
        norm("layer_norm1", 2) | {"scale1.scale": (2,)} | affine("output", 2, 24),
        lambda x, p: out(
            torch.tanh(channels(p["scale1.scale"], x) * layer_norm(x, p, "layer_norm1")), p
        ),
    ),
    "joins": Case(
        "input 4; a = dense 3 tanh; b = dense 3 tanh from input; c = sub from a, b; d = mul from a, b, c;"
        " e = apply softmax from d; add from c, d, e; output 2",
        (4,),
        affine("a", 3, 4) | affine("b", 3, 4) | affine("output", 2, 3),
        lambda x, p: joined(x, p),
    ),
    "softmax_of_channels": Case(
        "input 3x2x4; conv 3 kernel=1; apply softmax; flatten; output 2",
        (3, 2, 4),
        affine("conv1", 3, 1, 1, 4) | affine("output", 2, 18),
        lambda x, p: out(torch.softmax(conv(x, p, "conv1"), 1), p),
    ),
    "u_net": Case(
        "input 4x4x2; fine = conv 3 kernel=3 padding=same tanh; max_pool 2;"
        " conv 4 kernel=3 padding=same tanh; upsample 2; concat from upsample1, fine; output conv 1 kernel=1",
        (4, 4, 2),
        affine("fine", 3, 3, 3, 2) | affine("conv1", 4, 3, 3, 3) | affine("output", 1, 1, 1, 7),
        lambda x, p: u_net(x, p),
    ),
    "residual_pictures": Case(
        "input 5x5x2; residual project tanh { conv 4 kernel=3 stride=2 padding=same tanh;"
        " conv 4 kernel=3 padding=same }; conv 4 kernel=3 padding=same residual tanh;"
        " conv 6 kernel=3 padding=same residual=pad tanh; global_avg_pool; output 2",
        (5, 5, 2),
        affine("conv1", 4, 3, 3, 2) | affine("conv2", 4, 3, 3, 4) | {"residual1.project.W": (4, 1, 1, 2)}
        | affine("conv3", 4, 3, 3, 4) | affine("conv4", 6, 3, 3, 4) | affine("output", 2, 6),
        lambda x, p: residual(x, p),
    ),
}  # fmt: skip


def sequence(x: Tensor, p: Blocks) -> Tensor:
    z = f.mish(conv(f.pad(x, (4, 0)), p, "conv1", dilation=2))
    return out(f.softplus(conv(z, p, "conv2", stride=2)) + conv(z, p, "conv2.project", stride=2), p)


def joined(x: Tensor, p: Blocks) -> Tensor:
    a, b = torch.tanh(dense(x, p, "a")), torch.tanh(dense(x, p, "b"))
    c, d = a - b, a * b * (a - b)
    return out(c + d + torch.softmax(d, 1), p)


def u_net(x: Tensor, p: Blocks) -> Tensor:
    fine = torch.tanh(conv(x, p, "fine", padding=1))
    coarse = torch.tanh(conv(f.max_pool2d(fine, 2), p, "conv1", padding=1))
    return flat(conv(torch.cat([f.interpolate(coarse, scale_factor=2.0), fine], 1), p, "output"))


def residual(x: Tensor, p: Blocks) -> Tensor:
    branch = conv(torch.tanh(conv(x, p, "conv1", stride=2, padding=1)), p, "conv2", padding=1)
    z = torch.tanh(branch + conv(x, p, "residual1.project", stride=2))
    z = z + torch.tanh(conv(z, p, "conv3", padding=1))
    wide = f.pad(z, (0, 0, 0, 0, 0, 2))
    return out((wide + torch.tanh(conv(z, p, "conv4", padding=1))).mean((2, 3)), p)


def batch_norm(x: Tensor, p: Blocks, name: str, training: bool, momentum: float = 0.9) -> Tensor:
    """In training it writes the running statistics after the step, by PyTorch's own momentum."""
    mean, variance = p[f"{name}.mean"], p[f"{name}.variance"]
    return f.batch_norm(
        x, mean, variance, p.get(f"{name}.scale"), p.get(f"{name}.b"), training, 1 - momentum, 1e-5
    )


def batch_norms(x: Tensor, p: Blocks, training: bool) -> Tensor:
    z = f.relu(batch_norm(conv(x, p, "conv1", padding=1), p, "batch_norm1", training))
    z = f.avg_pool2d(z, 2)
    return out(torch.tanh(batch_norm(z, p, "batch_norm2", training, 0.5)), p)


def batch_norm_of_vectors(x: Tensor, p: Blocks, training: bool) -> Tensor:
    return out(torch.tanh(batch_norm(dense(x, p, "dense1"), p, "batch_norm1", training)), p)


TRAINED = {
    "batch_norm": (
        Case(
            "input 4x4x2; conv 3 kernel=3 padding=same bias=false; batch_norm relu; avg_pool 2;"
            " batch_norm momentum=0.5 scale=false bias=false; apply tanh; flatten; output 2",
            (4, 4, 2),
            {"conv1.W": (3, 3, 3, 2)} | norm("batch_norm1", 3) | affine("output", 2, 12),
            batch_norms,
        ),
        {"batch_norm1": 3, "batch_norm2": 3},
    ),
    "batch_norm_of_vectors": (
        Case(
            "input 4; dense 5; batch_norm tanh; output 2",
            (4,),
            affine("dense1", 5, 4) | norm("batch_norm1", 5) | affine("output", 2, 5),
            batch_norm_of_vectors,
        ),
        {"batch_norm1": 5},
    ),
}


def record_trained(case: Case, widths: dict[str, int], seed: int) -> dict[str, np.ndarray]:
    draw = torch.Generator().manual_seed(1000 + seed)
    before = {}
    for name, width in widths.items():
        before[f"{name}.mean"] = torch.randn(width, generator=draw, dtype=torch.float64)
        before[f"{name}.variance"] = 0.5 + torch.rand(width, generator=draw, dtype=torch.float64)
    after = {name: value.clone() for name, value in before.items()}
    shown = replace(case, net=lambda x, p: case.net(x, p | after, True))
    arrays = record(shown, seed)
    x = torch.from_numpy(arrays["x"]).reshape(SAMPLES, *case.shape)
    blocks = {k.removeprefix("value "): torch.from_numpy(v) for k, v in arrays.items() if k[:5] == "value"}
    predicted = case.net(x.movedim(-1, 1) if len(case.shape) > 1 else x, blocks | before, False)
    arrays |= {"predicted": predicted.numpy()}
    arrays |= {f"before {name}": value.numpy() for name, value in before.items()}
    return arrays | {f"after {name}": value.numpy() for name, value in after.items()}


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for number, (name, case) in enumerate(CASES.items()):
        (HERE / f"{name}.dl").write_text(case.text, encoding="utf-8", newline="\n")
        np.savez_compressed(HERE / f"{name}.npz", **record(case, number))
    for number, (name, (case, widths)) in enumerate(TRAINED.items()):
        (HERE / f"{name}.dl").write_text(case.text, encoding="utf-8", newline="\n")
        np.savez_compressed(HERE / f"{name}.npz", **record_trained(case, widths, number))


def record(case: Case, seed: int) -> dict[str, np.ndarray]:
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    x = normal(SAMPLES, *case.shape)
    blocks = {}
    for name, shape in case.blocks.items():
        spread = prod(shape[1:]) ** -0.5 if len(shape) > 1 else 0.3
        blocks[name] = normal(*shape) * spread + (1.0 if name.endswith(".scale") else 0.0)
        blocks[name].requires_grad_()
    u = case.net(x.movedim(-1, 1) if len(case.shape) > 1 else x, blocks)
    y = normal(*u.shape)
    loss = 0.5 * ((u - y) ** 2).sum(1).mean()
    objective = loss + STRENGTH / 2 * sum((b**2).sum() for n, b in blocks.items() if n.endswith(".W"))
    slopes = torch.autograd.grad(objective, list(blocks.values()))
    arrays = {"x": x.flatten(1), "y": y, "outputs": u, "loss": loss, "objective": objective}
    arrays |= {f"value {n}": b for n, b in blocks.items()}
    arrays |= {f"gradient {n}": s for n, s in zip(blocks, slopes, strict=True)}
    return {key: tensor.detach().numpy() for key, tensor in arrays.items()}


if __name__ == "__main__":
    main()
