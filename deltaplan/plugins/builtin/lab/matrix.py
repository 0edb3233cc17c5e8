"""A layer as the matrix that it is."""

from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Node, Panel, Picture, Sheet, Subject, Unfit
from deltaplan.plugins.builtin.lab.heat import heat
from deltaplan.plugins.builtin.lab.singular import singular_values

LARGEST = 4_000_000  # numbers of a matrix


def examine(subject: Subject, layer: str | None) -> Findings:
    """∂v/∂z [numbers out, numbers in] of one layer: for an affine layer its matrix, the bias left out."""
    node = _chosen(subject, layer)
    source = next(n for n in subject.nodes if n.name == node.sources[0])
    rows, columns = int(np.prod(node.shape)), int(np.prod(source.shape))
    if rows * columns > LARGEST:
        raise Unfit(
            f"draws up to {LARGEST:,} numbers, and `{node.name}` has {rows}x{columns}", "choose another"
        )
    matrix = subject.problem.partial(subject.theta, node.name, source.name)
    filled = matrix != 0
    blocks = subject.problem.split(subject.theta)
    own = sum(blocks[name].size for name in node.blocks if not name.endswith(".b"))
    values, rank = singular_values(matrix)
    says = (
        f"{subject.name}: `{node.name}` ({node.text}) is a {rows}x{columns} matrix with {filled.mean():.1%} "
        f"of its numbers not 0",
    )
    row = (rows, columns, int(filled.sum()), own, rank, float(values[0]))
    head = ("rows", "columns", "not 0", "own weights", "rank", "‖W‖₂")
    arrays = {"matrix": matrix, "singular_values": values}
    return Findings(says, (Sheet(head, (row,)),), arrays, _picture(matrix, node))


def _chosen(subject: Subject, layer: str | None) -> Node:
    """The layer of that name; if None the first one that is no dense one, else the first."""
    layers = [node for node in subject.nodes if node.role == "layer" and node.sources]
    if layer is None:
        others = [
            n for n in layers if n.kind in ("conv", "sparse", "avg_pool", "max_pool", "global_avg_pool")
        ]
        return (others or layers)[0]
    for node in layers:
        if node.name == layer:
            return node
    raise Unfit(f"has no layer `{layer}`", f"there are {', '.join(n.name for n in layers)}")


def _picture(matrix: Any, node: Node) -> Picture:
    def draw(axes: Any) -> None:
        heat(axes, matrix, "number of the input", "number of the output", "weight")

    shape = "x".join(map(str, node.shape))
    caption = f"`{node.text}` to {shape} as a matrix: purple is positive, orange negative, white is 0."
    return Picture((Panel(draw, node.name),), columns=1, caption=caption, size=(5.6, 4.6))
