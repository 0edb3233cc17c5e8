"""Dead units, and how many dimensions the features of each layer have."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Node, Panel, Picture, Sheet, Subject
from deltaplan.plugins.builtin.lab.chain import layers_of
from deltaplan.plugins.builtin.lab.singular import singular_values

Matrix = np.ndarray[Any, np.dtype[np.float64]]

HEAD = ("j", "layer", "units", "dead", "off", "rank", "effective rank")
OFF = 1e-8  # a slope that lets nothing through, in parts of what comes


def examine(subject: Subject, samples: int, part: str) -> Findings:
    """Units without a slope for any sample, and ranks of what each layer gives."""
    problem = subject.problem_on(part, samples)
    values, slopes = problem.values(subject.theta), problem.slopes(subject.theta)
    rows, arrays = [], {}
    for layer in layers_of(subject):
        assert layer.result is not None
        features = values[layer.result]
        through = _let_through(subject.nodes, layer, values, slopes)
        dead = np.zeros(0, int) if through is None else np.flatnonzero(~through.any(0))
        off = None if through is None else float(1 - through.mean())
        rows.append((layer.number, layer.name, features.shape[1], len(dead), off, *ranks(features)))
        arrays[f"dead {layer.name}"] = dead
        arrays[f"singular values {layer.name}"] = np.linalg.svd(features, compute_uv=False)
    total = sum(int(row[3] or 0) for row in rows)
    units = sum(int(row[2] or 0) for row in rows)
    says = (
        f"{subject.name}: {total:,} of {units:,} units are dead on {problem.samples:,} samples",
        "dead: without a slope for any sample; off: the part of units and samples without one",
    )
    return Findings(says, (Sheet(HEAD, tuple(rows)),), arrays, _picture(rows))


def ranks(features: Matrix) -> tuple[int, float]:
    """The numerical rank of [N, width], and the effective one, the exponential of the entropy of the singular
    values (Roy and Vetterli, 2007); 0 for nothing but zeros."""
    singular, rank = singular_values(features)
    if not rank:
        return 0, 0.0
    parts = singular[:rank] / singular[:rank].sum()
    return rank, float(np.exp(-(parts * np.log(parts)).sum()))


def _let_through(
    nodes: Sequence[Node], layer: Node, values: Mapping[str, Matrix], slopes: Mapping[str, Matrix]
) -> Matrix | None:
    """Where the activation of a layer has a slope, [N, width]; None where there is no activation. Where no
    slope comes to a unit it counts as on if its value is not the same for all samples."""
    found = next((n for n in nodes if n.role == "activation" and n.sources[0] == layer.name), None)
    if found is None:
        return None
    came, went = abs(slopes[found.name]), abs(slopes[layer.name])
    moves: Matrix = np.ptp(values[found.name], axis=0) > 0
    return np.where(came > 0, went > OFF * came, moves)


def _picture(rows: Sequence[tuple[Any, ...]]) -> Picture:
    panels = (
        Panel(partial(_draw_dead, rows), "dead units"),
        Panel(partial(_draw_ranks, rows), "rank of features"),
    )
    caption = "Units that no sample can move, and how many dimensions the features of each layer have."
    return Picture(panels, columns=2, caption=caption)


def _draw_dead(rows: Sequence[tuple[Any, ...]], axes: Any) -> None:
    places = [row[0] for row in rows]
    axes.bar(places, [100 * row[3] / row[2] for row in rows], label="dead")
    off = [(row[0], 100 * row[4]) for row in rows if row[4] is not None]
    axes.plot(
        *zip(*off, strict=True), "o-", color="C1", markersize=3, label="off, of all samples"
    ) if off else None
    axes.set(xlabel="layer j", ylabel="% of the units", ylim=(0, 105))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def _draw_ranks(rows: Sequence[tuple[Any, ...]], axes: Any) -> None:
    places = [row[0] for row in rows]
    for column, label, mark in ((2, "units", "s--"), (5, "rank", "o-"), (6, "effective rank", "^-")):
        axes.plot(places, [row[column] for row in rows], mark, markersize=4, label=label)
    axes.set(xlabel="layer j", ylabel="dimensions", ylim=(0, None))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
