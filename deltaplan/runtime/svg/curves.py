"""The two pictures of a run: how the loss went, and for one input how the model fits the samples."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf, isfinite, nan
from typing import Any

from deltaplan.runtime.svg.axes import Axis, Frame, linear_axis, tight_axis, value_axis
from deltaplan.runtime.svg.canvas import Element, document, element, number
from deltaplan.runtime.svg.marks import Entry, legend, line, marks
from deltaplan.runtime.svg.style import style

WORDS = {"train": "training", "validation": "validation", "test": "test"}
LARGEST = 1e300
MOST_MARKS = 2000  # of a part; more are thinned evenly, and the legend says so


def loss_curve(history: Sequence[Mapping[str, Any]], title: str) -> str:
    """The losses of training and validation over the epochs, as SVG.

    A record holds `epoch` (or `step`), `loss` and perhaps `validation_loss`; None, NaN and infinity leave a
    gap. The scale is logarithmic where all values are positive and differ by more than a factor of 5.
    """
    unit = "epoch" if all("epoch" in record for record in history) else "step"
    x = [float(record[unit]) for record in history]
    series = {"train": _values(history, "loss"), "validation": _values(history, "validation_loss")}
    shown = {part: values for part, values in series.items() if any(map(isfinite, values))}
    frame = Frame(tight_axis(unit, x), value_axis("loss", [v for y in shown.values() for v in y]))
    lines = [drawn for part, y in shown.items() for drawn in line(frame, part, x, y)]
    entries = [Entry(part, f"{WORDS[part]}, {_last(y)} at the end", True) for part, y in shown.items()]
    rest = legend(frame, entries) if shown else [_nothing(frame, "no finite loss to show")]
    return _picture(frame, title, [*lines, *rest])


def fit(
    samples: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    curve_x: Sequence[float],
    curve_y: Sequence[float],
    labels: tuple[str, str],
    title: str,
) -> str:
    """The samples (x, y) of each part (`train`, `validation`, `test`) and the model's curve, as SVG.

    `labels` are those of the axes: the columns' names. The curve is cut where it is far from them.
    """
    samples = {part: (_all_drawable(x), _all_drawable(y)) for part, (x, y) in samples.items()}
    curve_x, curve_y = _all_drawable(curve_x), _all_drawable(curve_y)
    xs = [*curve_x, *(v for x, _ in samples.values() for v in x)]
    ys = [v for _, y in samples.values() for v in y]
    frame = Frame(linear_axis(labels[0], xs), _axis_with_curve(labels[1], ys, curve_y))
    drawn = [_samples(frame, part, x, y) for part, (x, y) in samples.items()]
    curve = element("g", *line(frame, "model", curve_x, curve_y), clip_path=f"url(#{_plot_id(frame)})")
    entries = [Entry(part, _counted(part, len(x)), False) for part, (x, _) in samples.items()]
    return _picture(frame, title, [*drawn, curve, *legend(frame, [*entries, Entry("model", "model", True)])])


def _picture(frame: Frame, title: str, plotted: Sequence[Element]) -> str:
    size = {"width": frame.right - frame.left, "height": frame.bottom - frame.top}
    plot = element("rect", x=frame.left, y=frame.top, **size)
    clip = element("clipPath", plot, id=_plot_id(frame))
    return document(frame.width, frame.height, title, style(), clip, *frame.draw(title), *plotted)


def _plot_id(frame: Frame) -> str:
    """Pictures in one page share names: only equal rectangles have the same."""
    return f"plot-{number(frame.left)}-{number(frame.width)}-{number(frame.height)}"


def _values(history: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [nan if record.get(name) is None else _drawable(record[name]) for record in history]


def _drawable(value: float) -> float:
    """The value, or NaN where it is too large for arithmetic with axes."""
    return float(value) if abs(value) <= LARGEST else nan


def _all_drawable(values: Iterable[float]) -> list[float]:
    return [_drawable(value) for value in values]


def _last(values: Sequence[float]) -> str:
    return f"{[v for v in values if isfinite(v)][-1]:.3g}".replace("-", "−")


def _nothing(frame: Frame, text: str) -> Element:
    x, y = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
    return element("text", text, class_="tick", x=x, y=y, text_anchor="middle")


def _axis_with_curve(label: str, ys: Sequence[float], curve: Sequence[float]) -> Axis:
    """The samples' range, and as much of the curve's as lies within half of it above and below."""
    finite = [float(y) for y in ys if isfinite(y)]
    low, high = min(finite, default=-inf), max(finite, default=inf)
    room = (high - low) / 2 if high > low else inf
    near = [min(max(float(y), low - room), high + room) for y in curve if isfinite(y)]
    return linear_axis(label, [*finite, *near])


def _samples(frame: Frame, part: str, x: Sequence[float], y: Sequence[float]) -> Element:
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if isfinite(a) and isfinite(b)]
    every = max(1, -(-len(points) // MOST_MARKS))
    return marks(part, [frame.at(*point) for point in points[::every]])


def _counted(part: str, count: int) -> str:
    every = max(1, -(-count // MOST_MARKS))
    shown = "" if every == 1 else f", every {every}th of {count:,}"
    return WORDS.get(part, part) + shown
