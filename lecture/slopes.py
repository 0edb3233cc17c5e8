"""Backpropagation, vanishing and exploding gradients."""

from typing import Any

import numpy as np

import deltaplan
from deltaplan.plugins.examining import Panel, Picture
from deltaplan.runtime.inquiries import check_gradients
from deltaplan.runtime.problem import Problem
from lecture.claims import Claim, Verdict, estimate, share
from lecture.nets import SPECS, Vector, untrained
from lecture.page import Section

LAYERS = 20
SETTINGS: dict[str, dict[str, Any]] = {
    "sigmoid": {"shape": "sigmoid"},
    "sigmoid, skips": {"shape": "sigmoid", "skips": True},
    "tanh": {"shape": "tanh"},
    "ReLU": {"shape": "relu"},
    "ReLU, skips": {"shape": "relu", "skips": True},
}
SMALL, LARGE = 0.12, 0.8  # spreads of the weights: ‖W‖₂ about 0.7 and 4.6


def backpropagation() -> Section:
    """The recursions of the lecture, for its own net, and their check against differences."""
    experiment = deltaplan.load(SPECS / "fit.dl", params={"hidden": 1, "shape": "tanh"})
    errors = [max(row.error for row in check_gradients(experiment, seed)) for seed in range(30)]
    claim = Claim(
        26,
        "δ_j = W_jᵀ(δ_{j+1} ⊙ σ′(v_j)) and ∂L/∂W_j = (δ_{j+1} ⊙ σ′(v_j)) z_jᵀ give the gradient.",
        "fit.dl, hidden=1, shape=tanh",
        f"largest relative error against central differences {max(errors):.1e} over 30 seeds",
        "holds" if max(errors) < 1e-6 else "does not hold",
    )
    intro = (
        "The plan that deltaplan derives and runs is the lecture's: forward, backward, weight "
        "updates. Here it is for one "
        "layer of five, one of one, and the output."
    )
    return Section("Backpropagation", intro, text=str(deltaplan.compile(experiment)), claims=(claim,))


def vanishing() -> Section:
    """‖δ_j‖ by layer at the start, for small and large weights."""
    spreads = (SMALL, LARGE)
    slopes = {
        (name, spread): _slopes(*untrained("slopes", spread=spread, **params))
        for name, params in SETTINGS.items()
        for spread in spreads
    }
    panels = tuple(_panel(slopes, spread, legend=spread == spreads[0]) for spread in spreads)
    caption = "‖δ_j‖ by layer before training, medians of 32 seeds, for small weights and for large ones."
    claims = (
        _sigmoid_claim(),
        _flow_claim(slopes),
        _explode_claim(slopes),
        _factor_claim(),
        _average_claim(),
    )
    intro = (
        "Twenty layers of ten. The slide's bound has one factor of 0.25 too many: with σₙ = Id it "
        "stands n − j times. It is a "
        "bound where ‖W_j‖ ≤ 1; in general Π‖W_j‖ goes with it."
    )
    picture = Picture(panels, columns=2, caption=caption, size=(5.0, 3.6))
    return Section("Vanishing and exploding gradients", intro, (picture,), claims=claims)


def _slopes(problem: Problem, thetas: Vector) -> Vector:
    """Mean ‖δ‖ over the samples behind each of the twenty layers, [seeds, layers], at the first θ."""
    return np.array([_norms(problem, theta) for theta in thetas])


def _norms(problem: Problem, theta: Vector) -> list[float]:
    found = problem.slopes(theta)
    names = [_behind(found, number) for number in range(1, LAYERS + 1)]
    return [float(np.linalg.norm(found[name], axis=1).mean()) for name in names]


def _behind(found: dict[str, Vector], number: int) -> str:
    """The node with z_{j+1}: the skip of the layer, else its activation."""
    own = [name for name in found if name.startswith(f"dense{number}.")]
    return own[-1]


def _panel(slopes: dict[Any, Vector], spread: float, legend: bool) -> Panel:
    def draw(axes: Any) -> None:
        for name in SETTINGS:
            values = np.median(slopes[name, spread], axis=0)
            axes.plot(range(1, LAYERS + 1), values, ".-", markersize=4, label=name)
        axes.set(xlabel="layer j", ylabel=r"$\|\delta\|$ after layer j", yscale="log")
        axes.set_xticks(range(0, LAYERS + 1, 5))
        if legend:  # the other panel has the same colours
            axes.legend(ncols=2)

    return Panel(draw, f"W ~ normal(0, {spread}²)")


def _sigmoid_claim() -> Claim:
    """‖δ_j‖ ≤ 0.25^(n−j) Π‖W‖ ‖δ_{n+1}‖, sample by sample, at 30 first θ."""
    problem, thetas = untrained("slopes", shape="sigmoid", spread=SMALL)
    slack, one_more = [], []
    for theta in thetas:
        found, blocks = problem.slopes(theta), problem.split(theta)
        norms = [np.linalg.norm(blocks[f"dense{j}.W"], 2) for j in range(1, LAYERS + 1)]
        end = np.linalg.norm(found["output"], axis=1) * np.linalg.norm(blocks["output.W"], 2)
        own = np.linalg.norm(found[_behind(found, 1)], axis=1)
        bound = 0.25 ** (LAYERS - 1) * np.prod(norms[1:]) * end
        slack.append(float((own / bound).max()))
        one_more.append(float(np.log10(own / end).max()))
    return Claim(
        27,
        "Sigmoid gradients vanish: ‖δ_j‖ ≤ 0.25^(n−j) Π‖W‖ C.",
        "slopes.dl, shape=sigmoid",
        f"measured over bound {estimate(slack)}, never above 1; over twenty layers ‖δ‖ falls by "
        f"10^{np.median(one_more):.0f}",
        "holds" if max(slack) <= 1 + 1e-9 else "does not hold",
    )


def _flow_claim(slopes: dict[Any, Vector]) -> Claim:
    plain, skips = (slopes[name, SMALL] for name in ("sigmoid", "sigmoid, skips"))
    falls = [np.log10(found[:, 0] / found[:, -1]) for found in (plain, skips)]
    return Claim(
        28,
        "Residual networks keep gradients from vanishing in spite of a small σ′.",
        "slopes.dl, shape=sigmoid, skips=true",
        f"log₁₀ ‖δ₁‖/‖δ₂₀‖ {estimate(falls[0])} plain and {estimate(falls[1])} with skips",
        "holds" if estimate(falls[1]).low > -1 and estimate(falls[0]).high < -3 else "does not hold",
    )


def _explode_claim(slopes: dict[Any, Vector]) -> Claim:
    grown = {name: np.log10(slopes[name, LARGE][:, 0] / slopes[name, LARGE][:, -1]) for name in SETTINGS}
    plain, skips, tanh = (estimate(grown[name]) for name in ("ReLU", "ReLU, skips", "tanh"))
    return Claim(
        29,
        "With L‖W_j‖ > 1 gradients explode, most of all with skips: (1 + L‖W_j‖) for each layer; "
        "tanh damps them.",
        "slopes.dl, spread=0.8",
        f"log₁₀ ‖δ₁‖/‖δ₂₀‖: ReLU {plain}, ReLU with skips {skips}, tanh {tanh}",
        "holds" if skips.low > plain.high and skips.low > 1 and tanh.high < plain.low else "does not hold",
    )


def _factor_claim() -> Claim:
    """α ReLU in residual layers: growth (1 + α‖W‖) instead of (1 + ‖W‖)."""
    whole = _slopes(*untrained("slopes", shape="relu", skips=True, spread=LARGE))
    half = _slopes(*untrained("halved", spread=LARGE))
    growth = [estimate(np.log10(found[:, 0] / found[:, -1])) for found in (whole, half)]
    return Claim(
        30,
        "α × ReLU with α in (0, 1) keeps residual gradients from exploding.",
        "halved.dl, 0.1 * relu",
        f"log₁₀ ‖δ₁‖/‖δ₂₀‖ {growth[0]} with ReLU and {growth[1]} with 0.1 × ReLU",
        "holds" if growth[1].high < growth[0].low else "does not hold",
    )


def _average_claim() -> Claim:
    """E[σ′] over the samples at the first θ, beside the largest slope."""
    found = {}
    for shape in ("relu", "tanh", "sigmoid"):
        problem, thetas = untrained("slopes", shape=shape, spread=0.3)
        found[shape] = np.array([_mean_slope(problem, shape, theta) for theta in thetas])
    values = {shape: estimate(v) for shape, v in found.items()}
    verdict: Verdict = "holds" if values["relu"].low < 0.5 < values["relu"].high else "holds only if"
    return Claim(
        31,
        "The average Lipschitz constant is below the worst case: 0.5 for ReLU, less than 1 for tanh.",
        "slopes.dl, spread=0.3",
        f"E[σ′] ReLU {values['relu']} (at most 1), tanh {values['tanh']} (at most 1), sigmoid "
        f"{values['sigmoid']} (at most 0.25); "
        f"positive units of ReLU in {share(found['relu'] > 0)} nets",
        verdict,
        "" if verdict == "holds" else "inputs of units are as often positive as negative",
    )


def _mean_slope(problem: Problem, shape: str, theta: Vector) -> float:
    values = problem.values(theta)
    u = np.concatenate(
        [v.ravel() for name, v in values.items() if name.startswith("dense") and "." not in name]
    )
    match shape:
        case "relu":
            return float(np.mean(u > 0))
        case "tanh":
            return float(np.mean(1 - np.tanh(u) ** 2))
        case _:
            s = 1 / (1 + np.exp(-u))
            return float(np.mean(s * (1 - s)))
