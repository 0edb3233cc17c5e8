"""How large the parameters are, in all and block by block."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Panel, Picture, Sheet, Subject

HEAD = ("block", "numbers", "norm", "spectral norm", "largest")


def examine(subject: Subject) -> Findings:
    """Norms of θ and of its blocks; a block of more than two axes is taken as a matrix of its last axis."""
    blocks = subject.problem.split(subject.theta)
    norm = float(np.linalg.norm(subject.theta))
    rows = tuple(_row(name, block) for name, block in blocks.items())
    says = (f"{subject.name}: {subject.theta.size:,} parameters, norm {norm:.4g}, squared {norm**2:.4g}",)
    arrays = {"norm": np.array(norm), "block_norms": np.array([row[2] for row in rows])}
    return Findings(says, (Sheet(HEAD, rows),), arrays, _picture(rows))


def _row(name: str, block: "np.ndarray[Any, Any]") -> tuple[str, int, float, float | None, float]:
    matrix = block.reshape(-1, block.shape[-1]) if block.ndim > 1 else None
    spectral = None if matrix is None else float(np.linalg.norm(matrix, 2))
    return name, block.size, float(np.linalg.norm(block)), spectral, float(abs(block).max())


def _picture(rows: tuple[tuple[str, int, float, float | None, float], ...]) -> Picture:
    def draw(axes: Any) -> None:
        series: Mapping[str, list[float | None]] = {
            "Frobenius": [row[2] for row in rows if row[3] is not None],
            "spectral": [row[3] for row in rows if row[3] is not None],
        }
        for label, values in series.items():
            axes.plot(range(1, len(values) + 1), values, marker="o", markersize=3, label=label)
        axes.locator_params(axis="x", integer=True)
        axes.set(xlabel="weight matrix, in order", ylabel="norm", yscale="log")
        axes.legend()

    caption = "The norm of each weight matrix, from the first layer to the last."
    return Picture((Panel(draw, "weights"),), columns=1, caption=caption)
