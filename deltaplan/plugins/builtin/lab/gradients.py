"""How values and slopes grow or die from layer to layer, beside the bounds that the weights give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Node, Panel, Picture, Sheet, Subject
from deltaplan.plugins.builtin.lab.chain import last_of, layers_of
from deltaplan.plugins.builtin.lab.gains import slopes_within, values_within

Vector = np.ndarray[Any, np.dtype[np.float64]]

HEAD = ("j", "layer", "‖z‖", "at most", "‖δ‖", "at most", "‖∂L/∂W‖")
VANISHED, EXPLODED = 1e-3, 1e3  # of ‖δ‖ at the first layer to that at the output
LOOKS = 60  # of the way along training
FEW = 3  # names in a sentence
FLAT = 0.9  # the steepest slope of an activation that makes δ smaller in each layer


@dataclass(frozen=True, slots=True)
class Sizes:
    """At one θ, layer by layer and at last for the output: the mean over the samples of ‖z_j‖ and ‖δ_j‖, the
    slope by z_j, and ‖∂L/∂W_j‖ of the whole loss. `activations` is the part of the slope that each layer's
    activation lets through."""

    z: Vector  # [layers + 1]
    delta: Vector  # [layers + 1]
    weights: Vector  # [layers]
    activations: Vector  # [layers]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for `Sizes`, nan where nothing is known. `boxed` are the nodes whose bound holds in the box of
    the data alone, `unknown` those through which no bound goes."""

    z: Vector
    delta: Vector
    boxed: tuple[str, ...]
    unknown: tuple[str, ...]


def examine(subject: Subject, samples: int) -> Findings:
    """Sizes at the start, along the way if it was recorded, and at the end of a run."""
    layers = layers_of(subject)
    problem = subject.problem_on("train", samples)
    moments = {"start": subject.first} | ({"end": subject.theta} if subject.trained else {})
    sizes = {name: _sizes(subject, problem, layers, theta) for name, theta in moments.items()}
    limits = {name: _limits(subject, problem, layers, sizes[name], theta) for name, theta in moments.items()}
    steps, way = _way(subject, problem, layers)
    says = [s for name in moments for s in _says(name, subject.nodes, layers, sizes[name], limits[name])]
    count = problem.samples
    says.append(f"means over {count:,} samples; `at most` is proven, by slopes and the norms of the weights")
    says += _restricted(limits["start"])
    names = [layer.name for layer in layers] + ["what comes out"]
    sheets = tuple(_sheet(name, names, sizes[name], limits[name]) for name in moments)
    arrays = _arrays(sizes, limits) | {"steps": steps}
    arrays |= {f"{key}_way": np.array([getattr(s, key) for s in way]) for key in ("z", "delta", "weights")}
    return Findings(tuple(says), sheets, arrays, _picture(sizes, limits, steps, way))


def _sizes(subject: Subject, problem: Any, layers: Sequence[Node], theta: Vector) -> Sizes:
    values, slopes = problem.values(theta), problem.slopes(theta)
    gradient = problem.split(problem.grad(theta))
    sources = [layer.sources[0] for layer in layers] + [last_of(subject)]
    blocks = [next(iter(layer.blocks)) for layer in layers]
    return Sizes(
        np.array([_mean_norm(values[name]) for name in sources]),
        np.array([_mean_norm(slopes[name]) for name in sources]),
        np.array([np.linalg.norm(gradient[name]) for name in blocks]),
        np.array([_let_through(subject.nodes, layer, slopes) for layer in layers]),
    )


def _mean_norm(rows: Vector) -> float:
    return float(_norms(rows).mean())


def _let_through(nodes: Sequence[Node], layer: Node, slopes: Mapping[str, Vector]) -> float:
    """‖σ′ ⊙ δ‖ / ‖δ‖ of the layer's activation, 1 where it has none."""
    found = next((n for n in nodes if n.role == "activation" and n.sources[0] == layer.name), None)
    if found is None:
        return 1.0
    before, after = _mean_norm(slopes[found.name]), _mean_norm(slopes[layer.name])
    return after / before if before else 1.0


def _limits(subject: Subject, problem: Any, layers: Sequence[Node], sizes: Sizes, theta: Vector) -> Limits:
    nodes, gains = subject.nodes, subject.gains(theta)
    values, slopes = problem.values(theta), problem.slopes(theta)
    outputs = [n.name for n in nodes if n.output] or [nodes[-1].name]
    delta = slopes_within(nodes, gains, {name: _norms(slopes[name]) for name in outputs})
    inputs = {n.name: _norms(values[n.name]) for n in nodes if n.role == "input"}
    z = values_within(nodes, gains, inputs)
    sources = [layer.sources[0] for layer in layers] + [last_of(subject)]
    return Limits(
        np.array([_mean(z[name]) for name in sources]),
        np.array([_mean(delta[name]) for name in sources]),
        tuple(name for name, gain in gains.items() if not gain.everywhere and max(gain.factors) < inf),
        tuple(name for name, gain in gains.items() if max(gain.factors) == inf),
    )


def _norms(rows: Vector) -> Vector:
    return np.asarray(np.linalg.norm(rows, axis=1))


def _mean(norms: Vector) -> float:
    mean = float(norms.mean())
    return mean if mean < inf else np.nan


def _restricted(limits: Limits) -> list[str]:
    """Where bounds hold for the data alone, and where none is known."""
    found = []
    if limits.boxed:
        found.append(f"bounds through {_named(limits.boxed)} hold for inputs in the data's box")
    if limits.unknown:
        found.append(f"no bound is known through {_named(limits.unknown)}")
    return found


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(f"`{name}`" for name in names[:FEW]) + more


def _way(subject: Subject, problem: Any, layers: Sequence[Node]) -> tuple[Vector, list[Sizes]]:
    way = subject.recorded
    if way is None or not len(way.steps):
        return np.zeros(0), []
    places = np.unique(np.linspace(0, len(way.steps) - 1, LOOKS).round().astype(int))
    found = [_sizes(subject, problem, layers, np.asarray(way.theta[k], np.float64)) for k in places]
    return np.asarray(way.steps)[places], found


def _says(
    name: str, nodes: Sequence[Node], layers: Sequence[Node], sizes: Sizes, limits: Limits
) -> list[str]:
    """What happens to the slope between the output and the first layer, and what would change it."""
    if len(layers) < 2:
        return [f"at the {name}: one layer, which sees the slope of the loss as it is"]
    ratio, last = _ratio(sizes.delta[1], sizes.delta[-1]), len(layers) + 1
    by_layer = ratio ** (1 / (len(layers) - 1)) if 0 < ratio < inf else ratio
    found = [
        f"at the {name} slopes {_verdict(ratio)}: ‖δ_2‖ is {ratio:.2g} ‖δ_{last}‖, {by_layer:.2g} a layer"
    ]
    most = _ratio(limits.delta[1], sizes.delta[-1])
    if most < VANISHED:
        data = "in the data's box" if limits.boxed else "whatever the data"
        found.append(f"it must be so: {data}, it is at most {most:.2g}, by the slopes and ‖W_j‖₂")
    if not VANISHED <= ratio <= EXPLODED:
        found += _causes(nodes, sizes, ratio)
    return found


def _ratio(first: float, last: float) -> float:
    """‖δ_2‖ / ‖δ_{n+1}‖: the first layer's own gradient is made of δ_2."""
    return float(first / last) if last else 1.0


def _verdict(ratio: float) -> str:
    return "vanish" if ratio < VANISHED else "explode" if not ratio <= EXPLODED else "stay"


def _causes(nodes: Sequence[Node], sizes: Sizes, ratio: float) -> list[str]:
    """The part of the activations and that of weights and skips, and the knob to turn."""
    activations = float(np.prod(sizes.activations[1:]))
    used = {n.text: n for n in nodes if n.role == "activation"}
    rest = ratio / activations if activations else inf
    found = []
    if used and activations:
        found.append(f"of it {', '.join(used)} makes {activations:.2g}, weights and skips make {rest:.2g}")
    elif used:
        found.append(f"no slope comes through {', '.join(used)}")
    steepest = max((max(map(abs, n.slope)) for n in used.values() if n.slope), default=1.0)
    residual = any(n.skip for n in nodes)
    knobs = _against_growth(residual, steepest) if ratio > 1 else _against_decay(residual, steepest, rest)
    return [*found, f"try: {', '.join(knobs)}"]


def _against_growth(residual: bool, steepest: float) -> list[str]:
    """In words of a spec."""
    knobs = ["a smaller factor before the activations"] if residual or steepest > 1 else []
    return [*knobs, "an `init` with smaller weights", "`clip`"]


def _against_decay(residual: bool, steepest: float, weights: float) -> list[str]:
    knobs = ["an activation with slope 1 (`tanh`, `elu`)"] if steepest < FLAT else []
    knobs += [] if residual else ["`residual`"]
    return [*knobs, "an `init` with larger weights" if weights < 1 else "fewer layers"]


def _sheet(name: str, names: Sequence[str], sizes: Sizes, limits: Limits) -> Sheet:
    weights = [*sizes.weights.tolist(), None]
    columns = (sizes.z, limits.z, sizes.delta, limits.delta)
    places = range(1, len(names) + 1)
    rows = zip(places, names, *(map(_cell, column.tolist()) for column in columns), weights, strict=True)
    return Sheet(HEAD, tuple(rows), f"at the {name}")


def _cell(value: float) -> float | None:
    return None if value != value else value


def _arrays(sizes: Mapping[str, Sizes], limits: Mapping[str, Limits]) -> dict[str, Vector]:
    found: dict[str, Vector] = {}
    for name in sizes:
        found |= {f"{key}_{name}": getattr(sizes[name], key) for key in ("z", "delta", "weights")}
        found |= {f"{key}_bound_{name}": getattr(limits[name], key) for key in ("z", "delta")}
    return found


def _picture(
    sizes: Mapping[str, Sizes], limits: Mapping[str, Limits], steps: Vector, way: Sequence[Sizes]
) -> Picture:
    panels = [
        Panel(
            partial(_draw, sizes, limits, "delta", r"$\|\delta_j\|$, mean over samples"), "slopes by layer"
        ),
        Panel(partial(_draw, sizes, limits, "z", r"$\|z_j\|$, mean over samples"), "values by layer"),
        Panel(partial(_draw, sizes, {}, "weights", r"$\|\partial L / \partial W_j\|$"), "gradients by layer"),
    ]
    if len(way) > 1:
        panels.append(Panel(partial(_draw_way, steps, way), "slopes along training"))
    caption = (
        "How values and slopes grow or die from layer to layer; dashed: the bounds by the weights' norms."
    )
    return Picture(tuple(panels), columns=2, caption=caption)


def _draw(sizes: Mapping[str, Sizes], limits: Mapping[str, Limits], key: str, label: str, axes: Any) -> None:
    for number, (name, found) in enumerate(sizes.items()):
        values, color = getattr(found, key), f"C{number}"
        places = range(1, len(values) + 1)
        mark = "os"[number]
        axes.plot(places, _positive(values), f"{mark}-", color=color, markersize=3, label=f"at the {name}")
        if name in limits:
            bound = getattr(limits[name], key)
            axes.plot(places, _positive(bound), "--", color=color, linewidth=1, label=f"bound at the {name}")
    axes.set(xlabel="layer j", ylabel=label, yscale="log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def _positive(values: Vector) -> Vector:
    """For a logarithmic axis."""
    return np.where(values > 0, values, np.nan)


def _draw_way(steps: Vector, way: Sequence[Sizes], axes: Any) -> None:
    grid = np.log10(np.maximum([s.delta for s in way], 1e-300)).T
    layers = np.arange(1, len(grid) + 1)
    mesh = axes.pcolormesh(steps, layers, grid, shading="nearest", rasterized=True)
    axes.figure.colorbar(mesh, ax=axes, label=r"$\log_{10} \|\delta_j\|$")
    axes.set(xlabel="step", ylabel="layer j")
    axes.grid(False)
