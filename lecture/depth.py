"""Residual networks and overparameterization."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deltaplan.plugins.examining import Panel, Picture
from lecture.claims import Claim, estimate, ratio
from lecture.nets import Trained, Vector, trained
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
            *(estimate(found[start, skips, hidden].losses).cell for skips in (False, True)),
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


@dataclass(frozen=True, slots=True)
class Widths:
    """Nets of one data set from narrow to wide, with what counts on unseen samples for each seed."""

    name: str
    nets: tuple[Trained, ...]
    tests: tuple[Vector, ...]  # [seeds] for each net

    @property
    def ratios(self) -> list[float]:
        """Parameters a sample."""
        return [net.problem.size / net.problem.samples for net in self.nets]


def overparameterized() -> Section:
    """Parameters beside samples, and how nets do by their ratio, on the wave and on the digits."""
    nets = [trained("width", width=width) for width in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)]
    wave = _widths("wave, test loss", nets, "loss")
    nets = [*(trained("digits", width=width) for width in (1, 2, 4, 8, 16)), trained("digits")]
    digits = _widths("digits, test accuracy", nets, "accuracy")
    fitted = ("fit to 1e-3", [net.losses < 1e-3 for net in wave.nets])
    learned = ("all training digits right", [_all_right(net) for net in digits.nets])
    tables = [_by_ratio(wave, *fitted), _by_ratio(digits, *learned)]
    caption = (
        "By parameters a sample, medians and middle halves of 32 seeds; beyond the line there are more "
        "parameters than samples."
    )
    intro = "How many parameters are enough to fit every sample, and what that does to unseen ones."
    panels = (_ratio_panel(wave, "log"), _ratio_panel(digits, "linear"))
    picture = Picture(panels, columns=2, caption=caption, size=(5.0, 3.6))
    claims = (_count_claim(), _wide_claim(wave, digits, float(np.mean(learned[1][-1]))))
    return Section("Overparameterized networks", intro, (picture,), tuple(tables), claims=claims)


def _widths(name: str, nets: Sequence[Trained], score: str) -> Widths:
    tests = tuple(np.array([scores[score] for scores in net.scores("test")]) for net in nets)
    return Widths(name, tuple(nets), tests)


def _all_right(net: Trained) -> Vector:
    return np.array([score["accuracy"] == 1 for score in net.scores("train")])


def _by_ratio(found: Widths, fits: str, share: Sequence[Any]) -> tuple[Sequence[str], Sequence[Any]]:
    head = ("parameters", "parameters / samples", "training loss", found.name, fits)
    rows = [
        (
            f"{net.problem.size:,}",
            f"{ratio:.2f}",
            estimate(net.losses).cell,
            estimate(test).cell,
            f"{np.mean(flags):.0%}",
        )
        for net, ratio, test, flags in zip(found.nets, found.ratios, found.tests, share, strict=True)
    ]
    return head, rows


def _ratio_panel(found: Widths, scale: str) -> Panel:
    def draw(axes: Any) -> None:
        groups: list[tuple[Sequence[Vector], str]] = [(found.tests, found.name.partition(", ")[2])]
        if scale == "log":  # losses, of which there are two
            groups = [([net.losses for net in found.nets], "training loss"), *groups]
        for values, label in groups:
            low, middle, high = np.transpose([np.quantile(v, (0.25, 0.5, 0.75)) for v in values])
            axes.plot(found.ratios, middle, "o-", markersize=4, label=label)
            axes.fill_between(found.ratios, low, high, alpha=0.2)
        axes.axvline(1, color="0.5", linewidth=0.8)
        axes.set(xlabel="parameters / samples", ylabel="loss" if scale == "log" else "accuracy")
        axes.set(xscale="log", yscale=scale)
        axes.legend()

    return Panel(draw, found.name.partition(",")[0])


def _count_claim() -> Claim:
    p, n = 10, 7
    return Claim(
        13,
        "A net of n layers as wide as its p inputs has about n times more weights than N = p² samples.",
        "input 10; dense 7x10",
        f"p = {p}, n = {n}: {n * (p * p + p):,} parameters for {p * p} samples, "
        f"{n * (p * p + p) / p**2:.1f} times",
        "holds",
    )


def _wide_claim(wave: Widths, digits: Widths, right: float) -> Claim:
    """The widest against the widest of those with fewer parameters than samples."""
    less = [max(k for k, r in enumerate(found.ratios) if r < 1) for found in (wave, digits)]
    fall = ratio(wave.tests[less[0]], wave.tests[-1])
    gain = estimate(digits.tests[-1] - digits.tests[less[1]], np.mean)
    fits = float(np.mean(wave.nets[-1].losses < 1e-3))
    better = {"the wave": fall.low > 1, "the digits": gain.low > 0}
    where = [name for name, holds in better.items() if holds and min(fits, right) > 0.9]
    return Claim(
        14,
        "Overparameterized nets fit all training data and perform better than underparameterized ones.",
        "width.dl, digits.dl",
        f"wave: {fits:.0%} of the widest fit to 1e-3, the test loss with fewer parameters than samples over "
        f"theirs is {fall}; digits: {right:.0%} have all training digits right, their test accuracy is "
        f"higher by {gain}",
        "does not hold" if not where else "holds" if len(where) == 2 else "holds only if",
        f"the data are {where[0]}" if len(where) == 1 else "",
    )
