"""Regularization, norms of weights and flatness of minima."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from deltaplan.plugins.examining import Panel, Picture
from lecture.claims import Claim, Estimate, Verdict, estimate
from lecture.nets import Trained, Vector, trained
from lecture.page import Section

FEWER = {"a quarter of the weights": "digits_sparse", "convolution and pooling": "digits_conv"}
TRICKS: dict[str, dict[str, Any]] = {
    "none": {},
    "Tikhonov, l2(1e-3)": {"decay": 1e-3},
    "dropout 40 %": {"rate": 0.4},
    "augmentation by noise": {"jitter": 0.2},
    "early stopping": {"kept": "best", "wait": 15},
    "full batch, as many steps": {"size": 180, "length": 600},
}
SPREADS = (0.05, 0.2, 0.4)
TRIED = 40  # seeds, of which some end as perfect fits
SMALL_BATCHES = "SGD is implicit regularization: small batches (30 against all samples) generalize better."
PERFECT = 1e-5  # a training loss from which a fit counts as perfect
GRID = np.linspace(-0.94, 2.97, 400)


def regularization() -> Section:
    """Each technique on a tenth of the digits, beside none."""
    nets = {name: trained("digits", **params) for name, params in TRICKS.items()}
    nets |= {name: trained(spec) for name, spec in FEWER.items()}
    scores = {name: net.scores("test") for name, net in nets.items()}
    loss = {name: np.array([s["loss"] for s in found]) for name, found in scores.items()}
    right = {name: np.array([s["accuracy"] for s in found]) for name, found in scores.items()}
    rows = [
        (
            name,
            f"{net.problem.size:,}",
            *(estimate(values).cell for values in (net.losses, loss[name], right[name])),
        )
        for name, net in nets.items()
    ]
    names = {
        16: ("Tikhonov regularization generalizes better.", "Tikhonov, l2(1e-3)"),
        17: ("Dropout generalizes better.", "dropout 40 %"),
        18: ("Data augmentation generalizes better.", "augmentation by noise"),
        19: ("Early stopping generalizes better.", "early stopping"),
    }
    claims = [_fewer(loss, right)]
    claims += [
        _better(number, said, loss["none"], loss[name], right["none"], right[name])
        for number, (said, name) in names.items()
    ]
    small, full = "none", "full batch, as many steps"
    claims.append(_better(20, SMALL_BATCHES, loss[full], loss[small], right[full], right[small]))
    intro = (
        "A net of 32, 32 ReLU units learns from 179 digits of 1797 and is tested on 1438. The "
        "difference of two "
        "techniques is taken seed by seed."
    )
    head = ("technique", "parameters", "training loss", "test loss", "test accuracy")
    picture = _dots(
        right, "test accuracy", "Test accuracy of 32 seeds for each technique; the bar is the median."
    )
    return Section(
        "Generalization and regularization", intro, (picture,), ((head, rows),), claims=tuple(claims)
    )


def _fewer(loss: dict[str, Vector], right: dict[str, Vector]) -> Claim:
    """Against the dense net, for both ways to have fewer parameters."""
    gains = {name: _gain(loss["none"], loss[name], right["none"], right[name]) for name in FEWER}
    sure = [min(fall.low, gain.low) > 0 for fall, gain in gains.values()]
    helps = [name for name, holds in zip(gains, sure, strict=True) if holds]
    return Claim(
        15,
        "Fewer parameters, by sparse weights or by convolution and pooling, generalize better.",
        "digits_sparse.dl, digits_conv.dl",
        "; ".join(f"{name}: test loss falls by {a}, accuracy grows by {b}" for name, (a, b) in gains.items()),
        "holds" if all(sure) else "holds only if" if any(sure) else "does not hold",
        "" if len(helps) != 1 else f"the way is {helps[0]}",
    )


def _gain(before: Vector, after: Vector, wrong: Vector, right: Vector) -> tuple[Estimate, Estimate]:
    """How much the test loss falls and the accuracy grows, seed by seed."""
    return estimate(before - after, np.mean), estimate(right - wrong, np.mean)


def _better(number: int, said: str, before: Vector, after: Vector, wrong: Vector, right: Vector) -> Claim:
    fall, gain = _gain(before, after, wrong, right)
    verdict: Verdict = "holds" if fall.low > 0 and gain.low > 0 else "does not hold"
    only = (fall.low > 0) != (gain.low > 0)
    why = "what counts is the loss" if fall.low > 0 else "what counts is the accuracy"
    found = f"test loss falls by {fall}, accuracy grows by {gain}"
    return Claim(number, said, "digits.dl", found, "holds only if" if only else verdict, why if only else "")


def _dots(values: dict[str, Vector], label: str, caption: str) -> Picture:
    def draw(axes: Any) -> None:
        rng = np.random.default_rng(0)
        for place, found in enumerate(values.values()):
            axes.plot(found, place + rng.uniform(-0.22, 0.22, len(found)), ".", markersize=4, alpha=0.7)
            axes.plot([np.median(found)] * 2, [place - 0.34, place + 0.34], color="0.3")
        axes.set_yticks(range(len(values)), list(values))
        axes.set(xlabel=label)
        axes.invert_yaxis()

    return Picture((Panel(draw),), columns=1, caption=caption, size=(7.0, 3.6))


def norms() -> Section:
    """Perfect fits of small and large norm, and how they do between the samples."""
    nets = [trained("norms", TRIED, spread=spread) for spread in SPREADS]
    fits = [
        (net, seed, float(np.linalg.norm(net.theta[seed])), _between(net, seed))
        for net in nets
        for seed in np.flatnonzero(net.losses < PERFECT).tolist()
    ]
    sizes, errors = (np.array([fit[i] for fit in fits], float) for i in (2, 3))
    order = np.argsort(sizes)
    third = max(1, len(fits) // 3)
    small, large = errors[order[:third]], errors[order[-third:]]
    rank = _rank_correlation(sizes, errors)
    claims = (
        Claim(
            21,
            "Among perfect fits, smaller norms of the weights generalize better.",
            "norms.dl, spread=0.05 to 0.4",
            f"{len(fits)} perfect fits of 30x5,1,1, norms {sizes.min():.1f} to {sizes.max():.1f}: "
            f"error between the "
            f"samples {estimate(small)} in the third of least norm, {estimate(large)} in that of "
            f"largest; rank "
            f"correlation {rank:.2f}",
            "holds" if estimate(small).high < estimate(large).low else "does not hold",
        ),
        _fair_claim(sizes, errors, order),
        _lipschitz_claim(nets[1]),
    )
    intro = (
        "Fits of twelve samples whose training loss is below 1e-5, by residual nets of 888 "
        "parameters that begin small or "
        "large. The slides do not say which norm their 72, 540 and 595 are; here it is ‖θ‖."
    )
    chosen = [order[0], order[-1 - int(np.argmin(errors[order][::-1][:third]))], order[-1]]
    pictures = (_norm_fits([fits[k] for k in chosen]), _norm_dots(sizes, errors))
    return Section("Generalization: norm of weights", intro, pictures, claims=claims)


def _between(net: Trained, seed: int) -> float:
    """The root mean square distance to the samples' curve, here that of straight lines between them."""
    subject = net.subject(seed)
    x, y = subject.samples()
    straight = np.interp(GRID, x[:, 0], y[:, 0])
    return float(np.sqrt(np.mean((subject.outputs(GRID[:, None])[:, 0] - straight) ** 2)))


def _rank_correlation(a: Vector, b: Vector) -> float:
    first, second = (np.argsort(np.argsort(v)).astype(np.float64) for v in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


def _fair_claim(sizes: Vector, errors: Vector, order: Any) -> Claim:
    large = order[-max(1, len(order) // 3) :]
    fair = float(np.mean(errors[large] <= np.median(errors)))
    return Claim(
        22,
        "A large norm may generalize fairly all the same.",
        "norms.dl",
        f"{fair:.0%} of the perfect fits in the third of largest norm do better than the median of all",
        "holds" if fair > 0 else "does not hold",
    )


def _lipschitz_claim(net: Trained) -> Claim:
    ratios = []
    for seed in range(30):
        found = net.subject(seed).slopes
        ratios.append(found.upper / found.lower)
    return Claim(
        23,
        "L = Π (1 + ‖W_j‖₂) bounds how fast outputs of a residual net change.",
        "norms.dl",
        f"bound over the steepest slope that was found: {estimate(ratios)}, never below 1",
        "holds" if min(ratios) >= 1 - 1e-9 else "does not hold",
    )


def _norm_fits(fits: Sequence[tuple[Trained, int, float, float]]) -> Picture:
    def panel(fit: tuple[Trained, int, float, float]) -> Panel:
        net, seed, norm, error = fit

        def draw(axes: Any) -> None:
            subject = net.subject(int(seed))
            grid = np.linspace(-1.1, 3.1, 800)[:, None]
            x, y = subject.samples()
            axes.plot(x, y, "o", markersize=4, color="#d55e00", zorder=3)
            axes.plot(grid, subject.outputs(grid))
            axes.set(xlabel="t", ylabel="y")

        return Panel(draw, f"‖θ‖ = {norm:.1f}, off by {error:.2g} between")

    caption = "Perfect fits: the least norm, a large one that is fair between the samples, and the largest."
    return Picture(tuple(map(panel, fits)), columns=3, caption=caption, size=(3.9, 3.0))


def _norm_dots(sizes: Vector, errors: Vector) -> Picture:
    def draw(axes: Any) -> None:
        axes.plot(sizes, errors, "o", markersize=4)
        axes.set(xlabel="‖θ‖", ylabel="error between the samples", yscale="log")

    return Picture(
        (Panel(draw),), columns=1, caption="Every perfect fit: its norm and its error between samples."
    )


def flatness() -> Section:
    """Two flat minima: one where every sample is met, one where their gradients cancel."""
    wide, narrow = trained("width", width=32), trained("width", width=2)
    rows = []
    stats = {}
    for name, net in (("32, 32: every sample is met", wide), ("2, 2: gradients cancel", narrow)):
        seeds = np.argsort(net.losses)[:30]
        mean = [float(np.linalg.norm(net.problem.grad(net.theta[s]))) for s in seeds]
        own = [float(np.mean(net.problem.per_sample_gradient_norms(net.theta[s]))) for s in seeds]
        stats[name] = (np.array(mean), np.array(own), net.losses[seeds])
        rows.append((name, *(estimate(values).cell for values in (net.losses[seeds], mean, own))))
    first, second = stats.values()
    claims = (
        Claim(
            24,
            "Flat minima differ: of two with ∇f = 0 one has large and one small individual gradients ‖∇fᵢ‖.",
            "width.dl, width=32 and 2",
            f"‖∇f‖ {estimate(first[0])} and {estimate(second[0])}; mean ‖∇fᵢ‖ {estimate(first[1])} and "
            f"{estimate(second[1])}",
            "holds" if estimate(first[1]).high < estimate(second[1]).low else "does not hold",
        ),
        _zero_claim(wide),
    )
    intro = (
        "The individual losses along one direction through a minimum: where every sample is met, all "
        "of them are flat "
        "there; where their gradients cancel, each of them is steep and only the mean is flat."
    )
    head = ("widths", "training loss", "‖∇f‖", "mean ‖∇fᵢ‖")
    picture = _individual((("32, 32: every sample is met", wide), ("2, 2: gradients cancel", narrow)))
    shifted = _shifted((("32, 32", wide), ("2, 2", narrow)))
    return Section(
        "Generalization: flatness of minima", intro, (picture, shifted), ((head, rows),), claims=claims
    )


def _zero_claim(net: Trained) -> Claim:
    """½r² of a sample has ‖∇fᵢ‖² = 2 fᵢ ‖∇u‖²: it is 0 with fᵢ."""
    ratios = []
    for seed in range(30):
        theta = net.theta[seed]
        norms, losses = net.problem.per_sample_gradient_norms(theta), net.problem.per_sample_loss(theta)
        slopes = np.linalg.norm(net.problem.jacobian(theta)[:, 0], axis=1)
        ratios.append(float(abs(norms - np.sqrt(2 * losses) * slopes).max() / norms.max()))
    return Claim(
        25,
        "f = 0 and ∇f = 0 imply fᵢ = 0 and ∇fᵢ = 0.",
        "width.dl, width=32",
        f"losses are not negative, and ‖∇fᵢ‖ = √(2 fᵢ) ‖∇u‖ to {max(ratios):.1e}: where f is 0, so is each",
        "holds" if max(ratios) < 1e-9 else "does not hold",
    )


def _individual(pairs: Sequence[tuple[str, Trained]]) -> Picture:
    def panel(name: str, net: Trained) -> Panel:
        def draw(axes: Any) -> None:
            t, own = _along(net)
            axes.plot(t, own[:, :20], color="#0072b2", alpha=0.35, linewidth=0.9)
            axes.plot(t, own.mean(axis=1), color="#d55e00", linewidth=2.2, label="mean")
            axes.set(xlabel="along a direction, in ‖θ‖", ylabel="loss of a sample", ylim=(0, 0.05))
            axes.legend()

        return Panel(draw, name)

    caption = (
        "The losses of twenty samples (blue) and their mean (orange) along a random direction "
        "through a minimum."
    )
    return Picture(tuple(panel(*pair) for pair in pairs), columns=2, caption=caption)


def _along(net: Trained) -> tuple[Vector, Vector]:
    theta = net.theta[int(np.argmin(net.losses))]
    way = np.random.default_rng(2).standard_normal(theta.size)
    way *= np.linalg.norm(theta) / np.linalg.norm(way)
    t = np.linspace(-0.1, 0.1, 61)
    return t, net.problem.per_sample_loss(theta + t[:, None] * way)


def _shifted(pairs: Sequence[tuple[str, Trained]]) -> Picture:
    """The lecture's thought experiment: each individual loss moved by a shift of its own."""

    def draw(axes: Any) -> None:
        for name, net in pairs:
            t, own = _along(net)
            shifts = np.random.default_rng(3).normal(0, 0.02, own.shape[1])
            moved = np.mean(
                [np.interp(t + s, t, column) for s, column in zip(shifts, own.T, strict=True)], axis=0
            )
            line = axes.plot(t, own.mean(axis=1), "--", label=f"{name}, training")[0]
            axes.plot(t, moved, color=line.get_color(), label=f"{name}, each shifted")
        axes.set(xlabel="along a direction, in ‖θ‖", ylabel="mean loss", ylim=(0, 0.05))
        axes.legend()

    caption = (
        "The mean loss, and the mean after each individual loss is shifted on its own, as a test "
        "set would do."
    )
    return Picture((Panel(draw),), columns=1, caption=caption, size=(6.4, 3.6))
