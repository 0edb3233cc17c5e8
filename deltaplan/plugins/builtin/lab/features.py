"""The features φ of the data at any node, and a picture of their two largest components."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Panel, Picture, Sheet, Subject, Unfit
from deltaplan.plugins.builtin.lab.chain import layers_of
from deltaplan.plugins.builtin.lab.dead import ranks

Matrix = np.ndarray[Any, np.dtype[np.float64]]

MARKS = "osD^vPX*<>"  # for classes, beside colours
CLASSES = 20  # in a legend


def examine(subject: Subject, node: str | None, part: str, samples: int) -> Findings:
    """φ [N, width] with its principal components; by default what goes into the output."""
    name = node or layers_of(subject)[-1].sources[0]
    problem = subject.problem_on(part, samples)
    values = problem.values(subject.theta)
    if name not in values:
        raise Unfit(f"finds no node `{name}`", f"the model has {', '.join(values)}")
    features = values[name]
    components, explained = principal(features)
    target = next(iter(problem.targets.values()))
    rank, effective = ranks(features)
    says = (
        f"`{name}` of {subject.name}: {features.shape[1]:,} features of {len(features):,} samples of {part}, "
        f"rank {rank}, effective rank {effective:.3g}",
        f"the two largest principal components have {100 * explained[:2].sum():.3g} % of the variance",
    )
    rows = tuple((n, 100 * float(e)) for n, e in enumerate(explained[:5], 1))
    arrays = {"features": features, "components": components[:, :2], "target": target, "explained": explained}
    picture = _picture(name, components, explained, target, subject.classes)
    return Findings(says, (Sheet(("component", "% of variance"), rows),), arrays, picture)


def principal(features: Matrix) -> tuple[Matrix, Matrix]:
    """The samples along the principal components, [N, k], and each one's part of the variance; the largest
    entry of each direction is positive."""
    centred = features - features.mean(0)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(right[np.arange(len(right)), abs(right).argmax(1)])
    total = float((singular**2).sum())
    explained = singular**2 / total if total > 0 else np.zeros_like(singular)
    return left * singular * signs, explained


def _picture(
    name: str, components: Matrix, explained: Matrix, target: Matrix, classes: Sequence[str]
) -> Picture:
    draw = partial(_draw, components, explained, target, classes)
    caption = f"The samples at `{name}`, along the two directions in which they differ most."
    return Picture((Panel(draw, f"features at {name}"),), columns=1, caption=caption, size=(5.6, 4.2))


def _draw(components: Matrix, explained: Matrix, target: Matrix, classes: Sequence[str], axes: Any) -> None:
    flat = components.shape[1] < 2
    x, y = components[:, 0], np.zeros(len(components)) if flat else components[:, 1]
    if classes:
        _draw_classes(x, y, target, classes, axes)
    else:
        shown = axes.scatter(x, y, c=target.reshape(len(target), -1)[:, 0], s=14)
        axes.figure.colorbar(shown, ax=axes, label="target")
    shares = [f"component {n} ({100 * e:.3g} % of the variance)" for n, e in enumerate(explained[:2], 1)]
    axes.set(xlabel=shares[0], ylabel="" if flat else shares[1])


def _draw_classes(x: Matrix, y: Matrix, target: Matrix, classes: Sequence[str], axes: Any) -> None:
    index = target.reshape(-1).astype(int) if target.min() >= 0 else (target.reshape(-1) > 0).astype(int)
    for k, name in enumerate(classes):
        here, color = index == k, f"C{k % 6}"
        axes.scatter(
            x[here], y[here], s=14, color=color, marker=MARKS[k % len(MARKS)], label=name, linewidths=0
        )
    if len(classes) <= CLASSES:
        axes.legend(title="class", ncols=1 + len(classes) // 8, markerscale=1.4)
