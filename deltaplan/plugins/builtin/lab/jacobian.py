"""The partial Jacobians ∂z_{j+1}/∂z_j at a sample, as numbers and as pictures."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Panel, Picture, Sheet, Subject, Unfit
from deltaplan.plugins.builtin.lab.chain import chain_of
from deltaplan.plugins.builtin.lab.heat import heat
from deltaplan.plugins.builtin.lab.singular import Matrix, singular_values

HEAD = ("j", "from", "to", "size", "largest", "smallest", "whole", "at most")
LARGEST = 1 << 22  # entries of a matrix
SHOWN = 12  # pictures
SAME = 1e-9  # up to which two matrices are one


def examine(subject: Subject, sample: int, part: str) -> Findings:
    """Singular values of each, and the norm of their product beside the product of their norms."""
    problem, nodes = subject.problem_on(part), chain_of(subject)
    if sample > problem.samples:
        raise Unfit(f"has no sample {sample}", f"the part `{part}` has {problem.samples:,}, counted from 1")
    shapes = {node.name: node.shape for node in subject.nodes}
    _check_sizes([prod(shapes[name]) for name in nodes])
    pairs = list(pairwise(nodes))
    found = [problem.partial(subject.theta, to, by, sample - 1) for by, to in pairs]
    values = [_singular(matrix) for matrix in found]
    wholes = [problem.partial(subject.theta, nodes[-1], by, sample - 1) for by in nodes[:-1]]
    limits = _bounds(found, values, wholes)
    rows = tuple(
        (j, by, to, f"{m.shape[0]}x{m.shape[1]}", float(s[0]), float(s[-1]), norm_of(whole), b)
        for j, ((by, to), m, s, whole, b) in enumerate(
            zip(pairs, found, values, wholes, limits, strict=True), 1
        )
    )
    says = [
        f"{subject.name}, sample {sample} of {part}: ‖∂output/∂{nodes[0]}‖₂ = {norm_of(wholes[0]):.4g}",
        "largest and smallest singular value of each ∂to/∂from; whole: ‖∂output/∂from‖₂, "
        "at most: the product of the largest from there on",
    ]
    if None in limits:
        says.append("where other paths lead past a layer, the product is no bound, and none stands there")
    arrays = {f"J{j}": matrix for j, matrix in enumerate(found, 1)} | {"J": wholes[0]}
    return Findings(tuple(says), (Sheet(HEAD, rows),), arrays, _picture(found, values))


def norm_of(matrix: Matrix) -> float:
    return float(np.linalg.norm(matrix, 2))


def _singular(matrix: Matrix) -> Matrix:
    """The singular values, falling; 0 for what is round-off."""
    values, rank = singular_values(matrix)
    return np.where(np.arange(len(values)) < rank, values, 0.0)


def _check_sizes(sizes: Sequence[int]) -> None:
    entries = max(a * b for a, b in pairwise(sizes))
    if entries > LARGEST:
        raise Unfit(f"would write out a matrix of {entries:,} entries", f"the most is {LARGEST:,}")


def _bounds(
    matrices: Sequence[Matrix], values: Sequence[Matrix], wholes: Sequence[Matrix]
) -> list[float | None]:
    """The product of the norms from each matrix on; None where the product of the matrices is not the whole,
    as other paths lead past them."""
    found: list[float | None] = []
    product, bound = np.eye(len(matrices[-1])), 1.0
    for matrix, singular, whole in zip(matrices[::-1], values[::-1], wholes[::-1], strict=True):
        product, bound = product @ matrix, bound * float(singular[0])
        known = bool(abs(product - whole).max() <= SAME * max(abs(whole).max(), bound * SAME))
        found.append(bound if known else None)
    return found[::-1]


def _picture(matrices: Sequence[Matrix], values: Sequence[Matrix]) -> Picture:
    shown = np.unique(np.linspace(0, len(matrices) - 1, SHOWN).round().astype(int))
    panels = [Panel(partial(_draw, matrices[k]), f"∂z{k + 2} / ∂z{k + 1}") for k in shown]
    panels.append(Panel(partial(_draw_values, values), "singular values"))
    caption = "The partial Jacobians at a sample: how each number of a layer moves those of the next."
    return Picture(tuple(panels), columns=min(3, len(panels)), caption=caption, size=(3.6, 3.0))


def _draw(matrix: Matrix, axes: Any) -> None:
    heat(axes, matrix, "unit before", "unit after", "slope")
    for axis, count in zip((axes.yaxis, axes.xaxis), matrix.shape, strict=True):
        axis.get_major_locator().set_params(integer=True)
        if count == 1:
            axis.set_ticks([0])


def _draw_values(values: Sequence[Matrix], axes: Any) -> None:
    for j, singular in enumerate(values, 1):
        positive = singular[singular > 0]
        axes.plot([j] * len(positive), positive, "o", color="C0", markersize=3, alpha=0.6)
    axes.plot(range(1, len(values) + 1), [s[0] for s in values], color="C1", label="largest")
    axes.set(xlabel="layer j", ylabel="singular values", yscale="log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
