"""Records values and gradients of small whole models in float64 PyTorch.

Run by hand where PyTorch is (2.13.0 was used): `python tests/reference/record_models.py`. The suite needs
only what this writes into models/: the data (csv), and for each case a spec (dl) and its values (json):

    blocks       per parameter block the layer j = 1, 2, ..., the name (W [out, in], b [out], or for the
                 projection of a skip P [out, in]), shape, value and gradient of the objective, row by row
    outputs      u [N, K]
    losses       of each sample [N], the terms with their factors added up
    loss         their mean or sum; objective: with the regularizers
"""

import json
import random
from pathlib import Path

import torch
from cases import CASES, Case
from nets import Block, forward, initial
from problems import Samples
from torch import Tensor

HERE = Path(__file__).parent / "models"
NEAREST_KINK = 1e-6
SAMPLES = 8
INPUTS = ("x1", "x2", "x3")
TARGETS = {
    "real": lambda draw: f"{draw.uniform(-1.5, 2.5):.3f}",
    "class": lambda draw: str(draw.randrange(3)),
    "binary": lambda draw: str(draw.randrange(2)),
    "sign": lambda draw: draw.choice(["-1", "1"]),
}


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for kind in TARGETS:
        write(HERE / f"{kind}.csv", table(kind))
    for case in CASES:
        write(HERE / f"{case.name}.dl", str(case))
        write(HERE / f"{case.name}.json", as_text(record(case)))


def table(kind: str) -> str:
    """A csv of asymmetric samples: three inputs, two targets of the kind."""
    draw = random.Random(f"deltaplan {kind}")
    rows = [(*INPUTS, "y1", "y2")]
    for _ in range(SAMPLES):
        inputs = [f"{draw.uniform(-1, 2):.3f}" for _ in INPUTS]
        rows.append((*inputs, TARGETS[kind](draw), TARGETS[kind](draw)))
    return "".join(",".join(row) + "\n" for row in rows)


def record(case: Case) -> dict[str, object]:
    samples = Samples.read(HERE / f"{case.problem.target}.csv", case.net.inputs, case.problem.targets)
    blocks = initial(case.net, case.seed)
    for block in blocks:
        block.value.requires_grad_()
    outputs, nearest = forward(case.net, blocks, samples.x)
    nearest = min(nearest, case.problem.nearest_kink(outputs, samples.y, blocks))
    assert nearest > NEAREST_KINK, f"{case.name} is {nearest} from a kink: take another seed"
    losses = case.problem.losses(outputs, samples.y)
    loss = getattr(losses, case.problem.over)()
    objective = loss + case.problem.penalty(blocks)
    slopes = torch.autograd.grad(objective, [block.value for block in blocks])
    return {
        "torch": torch.__version__.split("+")[0],
        "blocks": [as_data(block, slope) for block, slope in zip(blocks, slopes, strict=True)],
        "outputs": outputs.tolist(),
        "losses": losses.tolist(),
        "loss": loss.item(),
        "objective": objective.item(),
    }


def as_data(block: Block, slope: Tensor) -> dict[str, object]:
    return {
        "layer": block.layer,
        "name": block.name,
        "shape": list(block.value.shape),
        "value": block.value.flatten().tolist(),
        "gradient": slope.flatten().tolist(),
    }


def as_text(record: dict[str, object]) -> str:
    """JSON with a line for each entry and each block. Floats are written so that they read back the same."""
    entries = []
    for key, value in record.items():
        text = json.dumps(value)
        if key == "blocks":
            text = "[\n  " + ",\n  ".join(json.dumps(block) for block in value) + "\n ]"
        entries.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
