"""Where a net bends: exact break points for one input, regions for two, counts along lines for more."""

from collections import Counter
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Panel, Picture, Sheet, Subject, Unfit

USUAL, FEW = 50, 10  # lines
MOST = 2e10  # operations, some ten seconds of numpy
FIRST = 1 / 4096  # the part of a line that is tried first
ENOUGH = 20  # kinks that tell how dense they are
MARGIN = 0.05  # of the data's range, on each side
Vector = np.ndarray[Any, np.dtype[np.float64]]
HEAD = ("at", "unit", "slope before", "slope after")


def examine(subject: Subject, low: float | None, high: float | None, lines: int | None) -> Findings:
    """Kinks, regions or counts, by how many numbers the model takes."""
    x, _ = subject.samples()
    ends = _box(x)
    if x.shape[1] > 1 and (low, high) != (None, None):
        raise Unfit("has a range for one input alone", "leave `low` and `high` out")
    if x.shape[1] > 1:
        try:
            return _of_two_inputs(subject, *ends) if x.shape[1] == 2 else _along_lines(subject, x, lines)
        except Unfit as fault:
            return Findings((f"{subject.name} has no kinks to list: it {fault}",))
    begin, end = (end if given is None else given for given, end in zip((low, high), ends, strict=True))
    return _of_one_input(subject, float(np.squeeze(begin)), float(np.squeeze(end)))


def _box(x: Vector) -> tuple[Vector, Vector]:
    low, high = x.min(axis=0), x.max(axis=0)
    room = MARGIN * np.where(high > low, high - low, 1.0)
    return low - room, high + room


def _of_one_input(subject: Subject, low: float, high: float) -> Findings:
    if not low < high:
        raise Unfit(f"looks from low to high, and {low:g} is not below {high:g}", "low is the lesser one")
    try:
        found = subject.pieces(np.array([low]), np.array([high]))
    except Unfit as fault:
        return _smooth(subject, low, high, str(fault))
    places = low + found.places * (high - low)
    slopes = np.diff(found.outputs, axis=0) / np.diff(places)[:, None]
    shown = [k for k, visible in enumerate(found.visible) if visible]
    rows = tuple(
        (
            f"{places[k + 1]:.6g}",
            f"{found.knots[k].node}[{found.knots[k].unit + 1}]",
            float(slopes[k, 0]),
            float(slopes[k + 1, 0]),
        )
        for k in shown
    )
    hidden = len(found.knots) - len(shown)
    says = [
        f"{subject.name}: {_count(len(shown), 'kink')} and {_count(len(shown) + 1, 'affine piece')} "
        f"between {low:.4g} and {high:.4g}"
    ]
    says += [f"{_count(hidden, 'unit')} more bend where no output does"] if hidden else []
    arrays = {
        "kinks": places[1:-1][found.visible],
        "places": places,
        "outputs": found.outputs,
        "slopes": slopes,
    }
    caption = (
        "The model and the samples; a vertical line stands at every kink, where a unit changes its piece."
    )
    picture = _curve(subject, places, found.outputs, places[1:-1][found.visible], caption)
    return Findings(tuple(says), (Sheet(HEAD, rows),) if rows else (), arrays, picture)


def _smooth(subject: Subject, low: float, high: float, why: str) -> Findings:
    grid = np.linspace(low, high, 801)
    outputs = subject.outputs(grid[:, None])
    caption = "The model and the samples; a smooth net has no kinks."
    picture = _curve(subject, grid, outputs, (), caption)
    says = (f"{subject.name} has no kinks to list: it {why}",)
    return Findings(says, (), {"places": grid, "outputs": outputs}, picture)


def _curve(subject: Subject, places: Any, outputs: Any, kinks: Any, caption: str) -> Picture:
    x, y = subject.samples()

    def draw(axes: Any) -> None:
        for kink in kinks:
            axes.axvline(kink, color="0.6", linewidth=0.7, zorder=1)
        names = subject.targets
        for column in range(outputs.shape[1]):
            label = names[column] if column < len(names) and len(names) > 1 else "model"
            axes.plot(places, outputs[:, column], label=label, zorder=3)
        if outputs.shape[1] == y.shape[1]:
            axes.plot(x[:, 0], y, "o", markersize=3.5, color="#d55e00", label="samples", zorder=2)
        axes.set(xlabel=subject.inputs[0], ylabel=names[0] if len(names) == 1 else "outputs")
        axes.grid(False)
        axes.legend()

    return Picture((Panel(draw, subject.name),), columns=1, caption=caption, size=(6.4, 4.0))


def _of_two_inputs(subject: Subject, low: Any, high: Any) -> Findings:
    found = subject.regions(low, high)
    says = (
        f"{subject.name}: {_count(len(found.polygons), 'affine region')} in the box of the data",
        *(f"{n} from {a:.4g} to {b:.4g}" for n, a, b in zip(subject.inputs, low, high, strict=True)),
    )
    areas = found.areas
    row = ("area of a region", float(areas.min()), float(np.median(areas)), float(areas.max()))
    arrays = {
        "areas": areas,
        "values": found.values,
        "sizes": np.array([len(corners) for corners in found.polygons]),
        "corners": np.concatenate(found.polygons),
    }
    sheet = Sheet(("", "least", "median", "greatest"), (row,))
    return Findings(says, (sheet,), arrays, _regions_picture(subject, found, low, high))


def _regions_picture(subject: Subject, found: Any, low: Any, high: Any) -> Picture:
    def draw(axes: Any) -> None:
        from matplotlib.collections import PolyCollection

        values = found.values[:, 0] if found.values.shape[1] == 1 else found.values.argmax(axis=1)
        drawn = PolyCollection(list(found.polygons), array=values, edgecolors="0.35", linewidths=0.4)
        axes.add_collection(drawn)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        axes.set(xlabel=subject.inputs[0], ylabel=subject.inputs[1])
        axes.grid(False)
        label = "output in the middle" if found.values.shape[1] == 1 else "class"
        axes.figure.colorbar(drawn, ax=axes, label=label)

    caption = "Inside each region the net is affine; the lines are where a unit changes its piece."
    return Picture((Panel(draw, subject.name),), columns=1, caption=caption, size=(6.0, 4.6))


def _along_lines(subject: Subject, x: Any, lines: int | None) -> Findings:
    """Between pairs of samples drawn with a fixed seed, or on a part of each where that is long."""
    if len(x) < 2:
        raise Unfit("looks along lines between samples, and there is one sample", "give it more data")
    draws = np.random.default_rng(0)
    lines, share = _affordable(subject, x, lines)
    pairs = [x[draws.choice(len(x), 2, replace=False)] for _ in range(lines)]
    found = [_part(subject, pair, draws.random(), share) for pair in pairs]
    counts = np.array([len(pieces.knots) for pieces in found])
    lengths = share * np.array([float(np.linalg.norm(a - b)) for a, b in pairs])
    mean, part = counts.mean(), "" if share == 1 else f"{share:.2g} of each of "
    says = [
        f"{subject.name}: {mean:.1f} kinks on average along {part}{_count(lines, 'line')} between two "
        f"samples, from {counts.min()} to {counts.max()}"
    ]
    says += [f"of all of a line, {mean / share:,.0f} at that rate"] if share < 1 else []

    def draw(axes: Any) -> None:
        axes.hist(counts, bins=min(20, max(1, int(counts.max() - counts.min()) or 1)))
        axes.set(xlabel=f"kinks along {part and 'a part of '}a line between two samples", ylabel="lines")

    caption = "How many times the net bends on the way from one sample to another."
    picture = Picture((Panel(draw, subject.name),), columns=1, caption=caption)
    return Findings(
        tuple(says), _by_node(subject, found, share), {"counts": counts, "lengths": lengths}, picture
    )


def _affordable(subject: Subject, x: Any, lines: int | None) -> tuple[int, float]:
    """How many lines, and which part of each, from how dense the kinks are on one: the net is evaluated once
    at each of them."""
    pair, share = x[[0, -1]], FIRST
    while (kinks := len(_part(subject, pair, 0.5, share).knots)) < ENOUGH and share < 1:
        share = min(1.0, 4 * share)
    most = MOST * subject.problem.samples / subject.problem.operations
    whole = most / max(1.0, kinks / share)  # lines
    lines = lines or max(FEW, min(USUAL, int(whole)))
    return lines, min(1.0, whole / lines)


def _part(subject: Subject, pair: Any, where: float, share: float) -> Any:
    """The pieces on a share of the line from one sample to the other."""
    (first, last), begin = pair, where * (1 - share)
    way = last - first
    return subject.pieces(first + begin * way, first + (begin + share) * way)


def _by_node(subject: Subject, found: Any, share: float) -> tuple[Sheet, ...]:
    """In the order of the net, for whole lines."""
    by_node = Counter(knot.node for pieces in found for knot in pieces.knots)
    lines = share * len(found)
    rows = tuple((n.name, by_node[n.name] / lines) for n in subject.nodes if n.name in by_node)
    return (Sheet(("activation", "kinks a line"), rows),) if rows else ()


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
