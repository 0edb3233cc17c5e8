"""More parameters than samples: how many, and whether every target can be met nearby."""

from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Panel, Picture, Sheet, Subject
from deltaplan.plugins.builtin.lab.singular import singular_values

HEAD = ("part", "samples", "outputs", "numbers to fit", "parameters", "parameters / numbers")
LARGEST = 5_000_000  # numbers of the Jacobian


def examine(subject: Subject, samples: int) -> Findings:
    """Parameters beside samples, and the rank of ∂u/∂θ.

    Where the rank is the count of numbers to fit, small changes of all targets at once can be met; there are
    size − rank directions in which no sample's output moves.
    """
    size = subject.theta.size
    whole = subject.problem
    names = [node.name for node in subject.nodes if node.output]
    outputs = sum(whole.outputs(subject.theta, output=name).shape[1] for name in names)
    numbers = whole.samples * outputs
    row = ("train", whole.samples, outputs, numbers, size, size / numbers)
    count = max(1, min(samples, whole.samples, LARGEST // max(1, size * outputs)))
    some = subject.problem_on("train", count)
    slopes = [some.jacobian(subject.theta, output=name).reshape(-1, size) for name in names]
    jacobian = np.concatenate(slopes)
    values, rank = singular_values(jacobian)
    over = "more" if size > numbers else "fewer"
    says = (
        f"{subject.name}: {size:,} parameters for {numbers:,} numbers to fit, "
        f"{size / numbers:.3g} for each: {over} parameters than numbers",
        f"∂u/∂θ on {count} samples has rank {rank} of {len(jacobian)}: "
        + (
            "small changes of all targets can be met"
            if rank == len(jacobian)
            else "not every small change of the targets can be met"
        ),
        f"θ can move in {size - rank:,} directions that leave the outputs of these samples as they are",
    )
    arrays = {"singular_values": values, "rank": np.array(rank), "parameters": np.array(size)}
    return Findings(says, (Sheet(HEAD, (row,)),), arrays, _picture(values, subject.name))


def _picture(values: Any, name: str) -> Picture:
    def draw(axes: Any) -> None:
        axes.plot(range(1, len(values) + 1), np.maximum(values, np.finfo(float).tiny), ".-", markersize=4)
        axes.locator_params(axis="x", integer=True)
        axes.set(xlabel="number", ylabel="singular value of ∂u/∂θ", yscale="log")

    caption = (
        "The singular values of ∂u/∂θ: those that are 0 up to rounding are changes of outputs out of reach."
    )
    return Picture((Panel(draw, name),), columns=1, caption=caption)
