"""Residual networks and overparameterization."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from deltaplan.plugins.examining import Panel, Picture
from lecture.claims import Claim, estimate, ratio
from lecture.nets import Trained, trained
from lecture.page import Section

DEPTHS = (3, 5, 10, 15, 45)
STARTS = ("default", "torch")


def residual() -> Section:
    """Ten fits, and the losses by depth with and without skips, for two initialisations."""
    found = {
        (start, skips, hidden): trained("fit", hidden=hidden, skips=skips, start=start)
        for start in STARTS
        for skips in (False, True)
        for hidden in DEPTHS
    }
    rows = [
        (
            f"{hidden}x5,1,1",
            str(hidden + 2),
            start,
            *(str(estimate(found[start, skips, hidden].losses)) for skips in (False, True)),
        )
        for start in STARTS
        for hidden in DEPTHS
    ]
    head = ("widths", "depth", "initialisation", "training loss, plain", "training loss, with skips")
    claims = (
        *_depth_claims(found),
        _identity_start(found["default", True, 3]),
        _plain_identity(found["default", False, 3]),
    )
    intro = (
        "Deeper nets fit worse here unless they have skip connections. All nets are 5 wide, "
        "LeakyReLU, trained for 5000 "
        "epochs by Adam; the pictures show the median seed of the default initialisation."
    )
    pictures = (_fits(found), _by_depth(found))
    return Section("Residual networks", intro, pictures, ((head, rows),), claims=claims)


def _median_seed(net: Trained) -> int:
    return int(np.argsort(net.losses)[len(net.losses) // 2])


def _fits(found: dict[Any, Trained]) -> Picture:
    def panel(skips: bool, hidden: int) -> Panel:
        net = found["default", skips, hidden]
        seed = _median_seed(net)

        def draw(axes: Any) -> None:
            subject = net.subject(seed)
            grid = np.linspace(-1.1, 3.1, 500)[:, None]
            x, y = subject.samples()
            axes.plot(x, y, "o", markersize=2.5, color="#d55e00")
            axes.plot(grid, subject.outputs(grid))
            axes.set(ylim=(-1.7, 1.7), xlabel="t", ylabel="y")

        return Panel(draw, f"{hidden}x5{', skips' if skips else ''}: {net.losses[seed]:.2g}")

    panels = tuple(panel(skips, hidden) for skips in (False, True) for hidden in DEPTHS)
    caption = (
        "The median of 32 seeds at each depth with its loss, plain above and with skips below: only skips "
        "keep deep nets good."
    )
    return Picture(panels, columns=5, caption=caption, size=(2.9, 2.5))


def _by_depth(found: dict[Any, Trained]) -> Picture:
    def panel(start: str) -> Panel:
        def draw(axes: Any) -> None:
            for skips, label in ((False, "plain"), (True, "with skips")):
                spread = np.array(
                    [np.quantile(found[start, skips, h].losses, (0.25, 0.5, 0.75)) for h in DEPTHS]
                )
                axes.plot([h + 2 for h in DEPTHS], spread[:, 1], "o-", markersize=4, label=label)
                axes.fill_between([h + 2 for h in DEPTHS], spread[:, 0], spread[:, 2], alpha=0.2)
            axes.set(xlabel="depth (affine layers)", ylabel="training loss", yscale="log")
            axes.legend()

        return Panel(draw, f"initialisation: {start}")

    caption = (
        "Training loss by depth, medians and middle halves of 32 seeds: how much depth hurts "
        "depends on the start."
    )
    return Picture(tuple(panel(start) for start in STARTS), columns=2, caption=caption)


def _depth_claims(found: dict[Any, Trained]) -> Sequence[Claim]:
    hurts = [ratio(found[s, False, 45].losses, found[s, False, 3].losses) for s in STARTS]
    skips = [ratio(found[s, False, 45].losses, found[s, True, 45].losses) for s in STARTS]
    return (
        Claim(
            9,
            "Increasing depth can deteriorate performance, the training error too.",
            "fit.dl, hidden=3 and 45",
            "training loss of 45x5 over that of 3x5, plain: "
            + "; ".join(f"{start} {r}" for start, r in zip(STARTS, hurts, strict=True)),
            "holds" if min(r.low for r in hurts) > 1 else "holds only if",
            "" if min(r.low for r in hurts) > 1 else "the initialisation is the one that shows it",
        ),
        Claim(
            10,
            "Residual networks of 45 layers train to a lower loss than plain ones.",
            "fit.dl, hidden=45",
            "training loss plain over with skips: "
            + "; ".join(f"{start} {r}" for start, r in zip(STARTS, skips, strict=True)),
            "holds" if min(r.low for r in skips) > 10 else "holds only if",
            ""
            if min(r.low for r in skips) > 10
            else "skips start scaled down: with torch's start the gain is small",
        ),
    )


def _identity_start(net: Trained) -> Claim:
    """A trained residual net, deepened by layers of zeros, is the same function."""
    deep = trained("fit", hidden=15, skips=True)
    errors = [_deepened(net, deep, seed) for seed in range(30)]
    return Claim(
        11,
        "With W = 0, b = 0 and σ(0) = 0 a residual layer is the identity: deepened by zero layers a "
        "net keeps its function.",
        "fit.dl, hidden=3 into hidden=15, skips=true",
        f"largest change of an output {max(errors):.1e} over 30 seeds",
        "holds" if max(errors) == 0 else "does not hold",
    )


def _plain_identity(net: Trained) -> Claim:
    deep = trained("fit", hidden=15, skips=False)
    errors = [_deepened(net, deep, seed) for seed in range(30)]
    return Claim(
        12,
        "A plain layer with W = 0 and b = 0 is no identity: a plain net deepened so forgets its function.",
        "fit.dl, hidden=3 into hidden=15",
        f"the outputs change by {estimate(errors)}",
        "holds" if min(errors) > 0.1 else "does not hold",
    )


def _deepened(net: Trained, deep: Trained, seed: int) -> float:
    """How much outputs change when a net's layers stand in a deeper one whose other layers are 0."""
    theta = np.zeros(deep.problem.size)
    new, own = deep.problem.split(theta), net.problem.split(net.theta[seed])
    last, end = 4, 16  # the layer of one unit: dense4 of 3x5,1 and dense16 of 15x5,1
    for name, block in own.items():
        place = name.replace(f"dense{last}.", f"dense{end}.")
        new[place][...] = block
    return float(abs(deep.problem.outputs(theta) - net.problem.outputs(net.theta[seed])).max())


def overparameterized() -> Section:
    """Parameters beside samples, and losses by their ratio."""
    widths = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
    nets = [trained("width", width=width) for width in widths]
    samples = nets[0].problem.samples
    ratios = [net.problem.size / samples for net in nets]
    losses = [net.losses for net in nets]
    tests = [np.array([score["loss"] for score in net.scores("test")]) for net in nets]
    enough = [net.problem.size > samples for net in nets]
    fits = [float(np.mean(net.losses < 1e-3)) for net in nets]
    rows = [
        (f"{w}, {w}", f"{net.problem.size:,}", f"{r:.2f}", str(estimate(a)), str(estimate(b)), f"{f:.0%}")
        for w, net, r, a, b, f in zip(widths, nets, ratios, losses, tests, fits, strict=True)
    ]
    head = ("widths", "parameters", "parameters / samples", "training loss", "test loss", "fit to 1e-3")

    def draw(axes: Any) -> None:
        for values, label in ((losses, "training"), (tests, "test")):
            spread = np.array([np.quantile(v, (0.25, 0.5, 0.75)) for v in values])
            axes.plot(ratios, spread[:, 1], "o-", markersize=4, label=label)
            axes.fill_between(ratios, spread[:, 0], spread[:, 2], alpha=0.2)
        axes.axvline(1, color="0.5", linewidth=0.8)
        axes.set(xlabel="parameters / samples", ylabel="loss", xscale="log", yscale="log")
        axes.legend()

    caption = (
        "Loss by parameters a sample, medians and middle halves: beyond the line there are more "
        "parameters than samples."
    )
    better = ratio(tests[2], tests[-1])
    p, n = 10, 7
    claims = (
        Claim(
            13,
            "A net of n layers as wide as its p inputs has about n times more weights than N = p² samples.",
            "input 10; dense 7x10",
            f"p = {p}, n = {n}: {n * (p * p + p):,} parameters for {p * p} samples, "
            f"{n * (p * p + p) / p**2:.1f} times",
            "holds",
        ),
        Claim(
            14,
            "Overparameterized nets fit all training data and perform better than underparameterized ones.",
            "width.dl",
            f"widest net: {fits[-1]:.0%} of seeds fit to 1e-3; test loss of 3,3 over 32,32: {better}",
            "holds" if better.low > 1 and fits[-1] > 0.9 and enough[-1] else "does not hold",
        ),
    )
    intro = "How many parameters are enough to fit every sample, and what that does to unseen ones."
    picture = Picture((Panel(draw),), columns=1, caption=caption, size=(6.4, 3.8))
    return Section("Overparameterized networks", intro, (picture,), ((head, rows),), claims=claims)
