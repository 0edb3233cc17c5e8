"""A net of affine maps alone is one affine map: its W and b."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Panel, Picture, Sheet, Subject
from deltaplan.plugins.builtin.lab.heat import heat

Vector = np.ndarray[Any, np.dtype[np.float64]]
SHOWN = 8  # rows and columns of W that are printed


def examine(subject: Subject) -> Findings:
    """W [outputs, features] and b [outputs] in the data's units, the largest error on the samples, and what
    the bias of each layer adds to b. Unfit where an activation bends or is curved."""
    weights, bias = subject.affine()
    x, _ = subject.samples()
    outputs = subject.outputs(x)
    error = float(abs(x @ weights.T + bias - outputs).max())
    largest = float(abs(outputs).max())
    layers = [node for node in subject.nodes if node.number is not None]
    says = (
        f"{subject.name}: {len(layers)} affine layers are one, m(x) = W x + b with W "
        f"{weights.shape[0]}x{weights.shape[1]}",
        f"on the samples the two differ by at most {error:.1e}, the largest output being {largest:.3g}",
    )
    biases = tuple(_bias_rows(subject))
    arrays = {"W": weights, "b": bias, "bias_parts": np.array([row[1] for row in biases])}
    sheets = [_map(subject, weights, bias)]
    if biases:
        sheets.append(
            Sheet(("bias of", "adds"), biases, "what each bias adds to the first output, before scaling")
        )
    return Findings(says, tuple(sheets), arrays, _picture(weights, biases))


def _picture(weights: Vector, biases: Sequence[tuple[str, float]]) -> Picture:
    caption = "The one matrix that all layers make, and what each layer's bias adds to the first output."
    panels = [Panel(partial(_draw_biases, biases), "b, layer by layer")] if biases else []
    if weights.size > 1 or not panels:
        panels.insert(0, Panel(partial(_draw_matrix, weights), "W"))
    return Picture(tuple(panels), columns=2, caption=caption)


def _draw_matrix(weights: Vector, axes: Any) -> None:
    heat(axes, weights, "input", "output", "slope")
    for axis, count in zip((axes.yaxis, axes.xaxis), weights.shape, strict=True):
        axis.set_ticks(range(count) if count <= SHOWN else np.linspace(0, count - 1, 5).astype(int))


def _draw_biases(biases: Sequence[tuple[str, float]], axes: Any) -> None:
    axes.bar(range(1, len(biases) + 1), [part for _, part in biases])
    axes.axhline(sum(part for _, part in biases), color="C1", linestyle="--", label="their sum")
    axes.set(xlabel="layer j", ylabel="added to the first output")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def _map(subject: Subject, weights: Vector, bias: Vector) -> Sheet:
    names = subject.inputs[:SHOWN]
    more = ("…",) if len(subject.inputs) > SHOWN else ()
    rows = tuple(
        (f"output {i + 1}", *row[:SHOWN].tolist(), *more, float(bias[i]))
        for i, row in enumerate(weights[:SHOWN])
    )
    return Sheet(("", *names, *more, "b"), rows)


def _bias_rows(subject: Subject) -> Iterator[tuple[str, float]]:
    """∂u₁/∂v_j · b_j for each layer: b is their sum over all layers, the last but one among them."""
    blocks = subject.problem.split(subject.theta)
    output = next(node.name for node in subject.nodes if node.output)
    for node in subject.nodes:
        own = [blocks[name] for name in node.blocks if name.endswith(".b")]
        if own and node.role == "layer":
            slope = subject.problem.partial(subject.theta, output, node.name)[0]
            repeated = np.broadcast_to(own[0], node.shape).reshape(-1)
            yield node.name, float(slope @ repeated)
