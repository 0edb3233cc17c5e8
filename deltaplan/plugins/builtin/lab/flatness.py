"""How flat a minimum is: of the loss as a whole, and for each sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Panel, Picture, Sheet, Subject
from deltaplan.plugins.builtin.lab.curvature import Curvature, curvature
from deltaplan.plugins.builtin.lab.work import affordable

Vector = np.ndarray[Any, np.dtype[np.float64]]

USUAL = 1000  # samples
EVALUATIONS = 8000  # of the loss, that all of this costs as much as
CLIMBS = 20  # steps of the search for the worst direction
PLACES = 41  # along the line of the individual losses
SHOWN = 60  # samples with a line of their own
PARTS = (0.25, 0.5, 1.0)  # of the radius


@dataclass(frozen=True, slots=True)
class Sharpness:
    """How much the loss rises at distances from θ: the mean and the most over random directions, and what
    climbing finds."""

    distances: Vector
    mean: Vector
    most: Vector
    worst: Vector


def examine(
    subject: Subject, samples: int | None, eigenvalues: int, radius: float, directions: int, draw: int
) -> Findings:
    """Norms of the samples' gradients, curvature, and sharpness."""
    samples = samples or affordable(subject, EVALUATIONS, USUAL)
    problem, theta = subject.problem_on("train", samples), subject.theta
    random = np.random.default_rng(draw)
    norms, gradient = problem.per_sample_gradient_norms(theta), problem.grad(theta)
    bent = curvature(problem, theta, min(eigenvalues, theta.size - 1) or 1, random)
    sharp = sharpness(problem, theta, radius * _length(theta), directions, random)
    distances, losses = _along(problem, theta, bent.steepest, radius * _length(theta))
    arrays = _arrays(norms, bent, sharp) | {"distances": distances, "losses_along": losses}
    sheets = (_norms_sheet(norms, gradient), _bent_sheet(bent), _sharp_sheet(sharp, theta))
    picture = _picture(norms, gradient, bent, sharp, distances, losses)
    return Findings(_says(problem, theta, norms, gradient, bent, sharp), sheets, arrays, picture)


def sharpness(
    problem: Any, theta: Vector, radius: float, directions: int, random: np.random.Generator
) -> Sharpness:
    """The rise of the loss at parts of the radius."""
    ways = random.normal(size=(directions, theta.size))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    distances, base = radius * np.array(PARTS), problem.loss(theta)
    rises = np.array([problem.loss(theta + d * ways) - base for d in distances])
    worst = np.array([_climb(problem, theta, d, ways[0]) - base for d in distances])
    return Sharpness(distances, rises.mean(1), rises.max(1), np.maximum(worst, rises.max(1)))


def _climb(problem: Any, theta: Vector, radius: float, way: Vector) -> float:
    """The largest loss that steps v ← radius·∇L(θ + v)/‖∇L(θ + v)‖ come to, as of Foret et al. (2021)."""
    step, best = radius * way, -np.inf
    for _ in range(CLIMBS):
        gradient = problem.grad(theta + step)
        length = np.linalg.norm(gradient)
        if not 0 < length < np.inf:
            break
        step = radius * gradient / length
        best = max(best, problem.loss(theta + step))
    return float(best)


def _length(theta: Vector) -> float:
    return float(np.linalg.norm(theta)) or 1.0


def _along(problem: Any, theta: Vector, way: Vector, radius: float) -> tuple[Vector, Vector]:
    """The loss of each sample, [places, N], along a unit direction."""
    distances = np.linspace(-radius, radius, PLACES)
    return distances, problem.per_sample_loss(theta + distances[:, None] * way)


def _says(
    problem: Any, theta: Vector, norms: Vector, gradient: Vector, bent: Curvature, sharp: Sharpness
) -> tuple[str, ...]:
    whole, each, far = float(np.linalg.norm(gradient)), float(norms.mean()), sharp.distances[-1]
    bent_down = bent.lowest < -1e-3 * abs(bent.top[0])
    what = "it falls in some direction" if bent_down else "it falls nowhere, as far as this tells"
    return (
        f"‖∇ℓ‖ is {each:.4g} in the mean, ‖∇L‖ of the mean is {whole:.4g}: {_kind(whole, each)}",
        f"the Hessian has eigenvalues from {bent.lowest:.4g} to {bent.top[0]:.4g}: {what}",
        f"within {far:.3g} of θ, whose norm is {_length(theta):.4g}, the loss rises by {sharp.worst[-1]:.4g}",
        f"the loss without regularizers, on {problem.samples:,} samples of the training part",
    )


def _kind(whole: float, each: float) -> str:
    """Flat for the average alone, or for each sample."""
    if each < 1e-6:
        return "flat for each sample"
    if whole < each / 10:
        return "flat on average, not for each sample"
    return "not flat"


def _norms_sheet(norms: Vector, gradient: Vector) -> Sheet:
    quarters = np.quantile(norms, [0.25, 0.5, 0.75])
    names = ("the least", "a quarter below", "the median", "three quarters below", "the most", "mean")
    numbers = (norms.min(), *quarters, norms.max(), norms.mean())
    rows = [(name, float(number)) for name, number in zip(names, numbers, strict=True)]
    rows.append(("of the loss", float(np.linalg.norm(gradient))))
    return Sheet(("samples", "norm"), tuple(rows), "norms of gradients, ‖∇ℓ‖")


def _bent_sheet(bent: Curvature) -> Sheet:
    rows: list[tuple[str, float, float | None]] = [
        (f"eigenvalue {n}", float(v), None) for n, v in enumerate(bent.top, 1)
    ]
    rows += [("the smallest", bent.lowest, None), ("trace", bent.trace, bent.error)]
    return Sheet(("Hessian", "value", "standard error"), tuple(rows), "curvature")


def _sharp_sheet(sharp: Sharpness, theta: Vector) -> Sheet:
    columns = (sharp.distances, sharp.distances / _length(theta), sharp.mean, sharp.most, sharp.worst)
    rows = tuple(tuple(map(float, row)) for row in zip(*columns, strict=True))
    head = ("distance", "of ‖θ‖", "mean", "most", "climbing")
    return Sheet(head, rows, "rise of the loss: random directions, and climbing")


def _arrays(norms: Vector, bent: Curvature, sharp: Sharpness) -> dict[str, Vector]:
    return {
        "gradient_norms": norms,
        "eigenvalues": bent.top,
        "lowest": np.array(bent.lowest),
        "trace": np.array(bent.trace),
        "trace_error": np.array(np.nan if bent.error is None else bent.error),
        "steepest": bent.steepest,
        "radii": sharp.distances,
        "rise_mean": sharp.mean,
        "rise_most": sharp.most,
        "rise_worst": sharp.worst,
    }


def _picture(
    norms: Vector, gradient: Vector, bent: Curvature, sharp: Sharpness, distances: Vector, losses: Vector
) -> Picture:
    panels = (
        Panel(partial(_draw_norms, norms, gradient), "gradients of the samples"),
        Panel(partial(_draw_bent, bent), "largest eigenvalues of the Hessian"),
        Panel(partial(_draw_losses, distances, losses), "each sample's loss, steepest direction"),
        Panel(partial(_draw_sharp, sharp), "rise of the loss"),
    )
    caption = "How flat it is for each sample and for the mean; thick: the mean over the samples."
    return Picture(panels, columns=2, caption=caption)


def _draw_norms(norms: Vector, gradient: Vector, axes: Any) -> None:
    count, least, most = min(40, max(5, len(norms) // 5)), norms[norms > 0].min(initial=np.inf), norms.max()
    wide = 0 < least < np.median(norms) < most / 10
    axes.hist(norms, np.geomspace(max(least, most * 1e-8), most, count) if wide else count)
    axes.axvline(np.linalg.norm(gradient), color="C1", linestyle="--", label="of their mean")
    axes.set_xscale("log" if wide else "linear")
    axes.set(xlabel=r"$\|\nabla \ell_i\|$", ylabel="samples")
    axes.legend()


def _draw_bent(bent: Curvature, axes: Any) -> None:
    axes.bar(range(1, len(bent.top) + 1), bent.top)
    axes.axhline(bent.lowest, color="C1", linestyle="--", label="the smallest found")
    axes.set(xlabel="number", ylabel="eigenvalue")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def _draw_losses(distances: Vector, losses: Vector, axes: Any) -> None:
    places = np.unique(np.linspace(0, losses.shape[1] - 1, SHOWN).round().astype(int))
    axes.plot(distances, losses[:, places], color="C0", linewidth=0.6, alpha=0.45)
    axes.plot(distances, losses.mean(1), color="C1", linewidth=2.6, label="mean")
    top = np.nanquantile(losses[:, places], 0.98)
    axes.set(xlabel=r"distance from $\theta$", ylabel="loss")
    if np.isfinite(top) and top > 0:
        axes.set_ylim(min(0.0, float(np.nanmin(losses))), 1.1 * max(top, float(losses.mean(1).max())))
    axes.legend()


def _draw_sharp(sharp: Sharpness, axes: Any) -> None:
    series: Sequence[tuple[str, Vector, str]] = (
        ("climbing", sharp.worst, "^-"),
        ("random, the most", sharp.most, "s-"),
        ("random, mean", sharp.mean, "o-"),
    )
    for label, values, mark in series:
        axes.plot(sharp.distances, np.where(values > 0, values, np.nan), mark, markersize=4, label=label)
    axes.set(xlabel=r"distance from $\theta$", ylabel="rise of the loss", yscale="log")
    axes.legend()
