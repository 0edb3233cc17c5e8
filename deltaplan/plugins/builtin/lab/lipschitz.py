"""How steep a net can be, and how steep it is."""

from math import inf
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, LayerSlope, Panel, Picture, Sheet, Slopes, Subject

HEAD = ("line", "layer", "‖W‖₂", "L of σ", "E|σ′|", "skip", "bound")
SHOWN = 20  # outputs in the table


def examine(subject: Subject) -> Findings:
    """The bound layer by layer beside the steepest slope that was found, and bounds of the outputs."""
    found = subject.slopes
    layers = Sheet(HEAD, tuple(_row(layer) for layer in found.layers))
    outputs = Sheet(
        ("output", "least", "most"), tuple(_outputs(found)), "outputs, for inputs in the data's box"
    )
    arrays = {
        "upper": np.array(found.upper),
        "product": np.array(found.product),
        "lower": np.array(found.lower),
        "mean": np.array(found.mean),
        "bounds": np.array([layer.bound for layer in found.layers]),
        "products": np.array([layer.product for layer in found.layers]),
    }
    return Findings(tuple(_says(subject.name, found)), (layers, outputs), arrays, _picture(found))


def _says(name: str, found: Slopes) -> list[str]:
    where = "for all x" if found.everywhere else "for x in the data's box"
    if found.upper == inf:
        return [f"{name}: no Lipschitz bound is known; a slope of {found.lower:.4g} was found"]
    says = [f"{name}: |m(x) - m(y)| <= {found.upper:.4g} |x - y| {where}"]
    says.append(f"a slope of {found.lower:.4g} was found; the mean over samples is {found.mean:.4g}")
    if found.product > found.upper * (1 + 1e-9):
        says.append(f"the product of the layers' own constants is {found.product:.4g}")
    return says


def _row(layer: LayerSlope) -> tuple[str | int | float | None, ...]:
    norm = layer.norm if layer.exact or layer.norm is None else f"<= {layer.norm:.4g}"
    return layer.line, layer.text, norm, layer.slope, layer.average, layer.skip, layer.bound


def _outputs(found: Slopes) -> list[tuple[str, float, float]]:
    rows = []
    for name, (low, high) in found.boxes.items():
        ends = list(zip(low.reshape(-1).tolist(), high.reshape(-1).tolist(), strict=True))
        labels = [name] if len(ends) == 1 else [f"{name}[{i}]" for i in range(len(ends))]
        rows += [(label, *end) for label, end in zip(labels[:SHOWN], ends, strict=False)]
        if rest := ends[SHOWN:]:
            rows.append((f"{len(rest)} more", min(a for a, _ in rest), max(b for _, b in rest)))
    return rows


def _picture(found: Slopes) -> Picture:
    def draw(axes: Any) -> None:
        places = range(1, len(found.layers) + 1)
        products = [layer.product for layer in found.layers]
        bounds = [layer.bound for layer in found.layers]
        axes.plot(places, bounds, marker="o", markersize=3, label="bound")
        if not np.allclose(products, bounds):
            axes.plot(places, products, marker="s", markersize=3, color="C1", label="product")
        axes.axhline(found.lower, linestyle="--", color="C2", label="slope found")
        axes.locator_params(axis="x", integer=True)
        axes.set(xlabel="layer, in order", ylabel="Lipschitz bound up to here", yscale="log")
        axes.legend()

    caption = "How steep the net can be up to each layer, and how steep it is in the data's box."
    return Picture((Panel(draw, "Lipschitz bound"),), columns=1, caption=caption)
