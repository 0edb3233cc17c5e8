"""Runs beside each other: what they are, what they reached, and for one input what they look like."""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Panel, Picture, Sheet, Subject, Unfit

MARGIN = 0.05


def examine(subjects: Sequence[Subject]) -> Findings:
    """A row for each subject: parameters, depth, the losses of its parts, ‖θ‖, the bounds of its slope."""
    if len(subjects) < 2:
        raise Unfit("looks at two models or more", "name two runs")
    parts = list(dict.fromkeys(part for subject in subjects for part in subject.parts))
    head = (
        "",
        "parameters",
        "layers",
        *(f"loss, {part}" for part in parts),
        "‖θ‖",
        "slope found",
        "slope at most",
    )
    rows = tuple(_row(subject, parts) for subject in subjects)
    best = min(rows, key=lambda row: row[3] if isinstance(row[3], float) else inf)
    says = (f"{best[0]} has the least training loss of {len(rows)}: {best[3]:.4g}",)
    arrays = {"theta_norms": np.array([np.linalg.norm(s.theta) for s in subjects])}
    return Findings(says, (Sheet(head, rows),), arrays, _picture(subjects))


def _row(subject: Subject, parts: Sequence[str]) -> tuple[str | int | float | None, ...]:
    losses = [
        float(subject.problem_on(part).loss(subject.theta)) if part in subject.parts else None
        for part in parts
    ]
    layers = sum(node.number is not None for node in subject.nodes)
    steep = subject.slopes
    norm = float(np.linalg.norm(subject.theta))
    return subject.name, subject.theta.size, layers, *losses, norm, steep.lower, steep.upper


def _picture(subjects: Sequence[Subject]) -> Picture | None:
    panels = [Panel(_curves(subjects), "loss")] if any(s.history for s in subjects) else []
    if all(len(s.inputs) == 1 and len(s.targets) == 1 for s in subjects):
        panels.append(Panel(_fits(subjects), "fit"))
    caption = "The training loss along training" + (
        ", and the fits beside the samples." if panels[1:] else "."
    )
    return Picture(tuple(panels), columns=2, caption=caption, size=(5.2, 3.8)) if panels else None


def _curves(subjects: Sequence[Subject]) -> Any:
    def draw(axes: Any) -> None:
        unit = "epoch"
        for subject in subjects:
            if subject.history:
                unit = "epoch" if all("epoch" in record for record in subject.history) else "step"
                at = [record[unit] for record in subject.history]
                axes.plot(at, [record["loss"] for record in subject.history], label=subject.name)
        axes.locator_params(axis="x", integer=True)
        axes.set(xlabel=unit, ylabel="training loss", yscale="log")
        axes.legend()

    return draw


def _fits(subjects: Sequence[Subject]) -> Any:
    def draw(axes: Any) -> None:
        x, y = subjects[0].samples()
        room = MARGIN * float(np.ptp(x))
        grid = np.linspace(float(x.min()) - room, float(x.max()) + room, 801)
        for subject in subjects:
            axes.plot(grid, subject.outputs(grid[:, None])[:, 0], label=subject.name)
        axes.plot(x[:, 0], y[:, 0], "o", markersize=3, color="0.4", label="samples")
        axes.set(xlabel=subjects[0].inputs[0], ylabel=subjects[0].targets[0])
        axes.legend()

    return draw
