"""The picture of a sweep: what each of its params does to the loss, and the spread over all else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from statistics import median

from deltaplan.compiler.nodes import show_value
from deltaplan.plugins.contracts import Value
from deltaplan.records import dataclass
from deltaplan.runtime.svg.axes import Axis, Frame, Tick, tight_axis, value_axis
from deltaplan.runtime.svg.canvas import Element, document, element, number, width_of
from deltaplan.runtime.svg.marks import Entry, legend
from deltaplan.runtime.svg.style import SMALL, Rules, style

MOST_GROUPS = 6  # values that a colour stands for
ROOM = 52.0  # between the middles of two values, at the least
WIDTH, HEIGHT = 480.0, 340.0  # of a panel beside others
LIGHT = ("#0072b2", "#d55e00", "#009e73", "#b0528a", "#7a6000", "#5b5f97")
DARK = ("#56b4e9", "#e69f00", "#2cc295", "#e59ac2", "#f0e442", "#a5a8e6")


@dataclass(frozen=True, slots=True)
class Dot:
    """A trial: the values of its params, and its loss; None where it came to no good end."""

    values: Mapping[str, Value]
    loss: float | None


def trials_picture(dots: Sequence[Dot], label: str, title: str) -> str:
    """A panel for each param that has several values: a dot for each trial, medians joined by a line, and
    bars from the lowest to the highest loss, as SVG. Of two params one is told by colours. `label` is that
    of the losses. Without a param the losses stand in their order."""
    params = [name for name in _names(dots) if len(_values(dots, name)) > 1]
    spread = " (median, range)" if params and len(dots) > len({repr(dot.values) for dot in dots}) else ""
    axis = value_axis(label + spread, [dot.loss for dot in dots if dot.loss is not None])
    plots = _plots(dots, params, axis)
    if len(plots) == 1:
        plot = replace(plots[0], width=640.0, height=400.0)
        return document(640, 400, title, _style(), *plot.frame.draw(title), *plot.elements(plot.frame))
    rows = ceil(len(plots) / 2)
    panels = [_panel(plot, at) for at, plot in enumerate(plots)]
    return document(2 * WIDTH, rows * HEIGHT, title, _style(), *panels)


def _names(dots: Sequence[Dot]) -> list[str]:
    return list(dict.fromkeys(name for dot in dots for name in dot.values))


def _values(dots: Sequence[Dot], name: str) -> list[Value]:
    """The values of a param: numbers by size, others in the order of the trials."""
    found = list(dict.fromkeys(dot.values[name] for dot in dots if name in dot.values))
    return sorted(found) if all(map(_is_number, found)) else found  # type: ignore[type-var]


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plots(dots: Sequence[Dot], params: Sequence[str], losses: Axis) -> "list[Plot]":
    if not params:
        return [Plot(dots, None, None, losses)]
    if len(params) == 2:
        colour = min(reversed(params), key=lambda name: len(_values(dots, name)))
        if len(_values(dots, colour)) <= MOST_GROUPS:
            (across,) = (name for name in params if name != colour)
            return [Plot(dots, across, colour, losses)]
    return [Plot(dots, name, None, losses) for name in params]


def _panel(plot: "Plot", at: int) -> Element:
    down, across = divmod(at, 2)
    place = f"translate({number(across * WIDTH)} {number(down * HEIGHT)})"
    return element("g", *plot.frame.draw(plot.across or ""), *plot.elements(plot.frame), transform=place)


@dataclass(frozen=True, slots=True)
class Plot:
    """Losses over the values of the param `across`, in a colour for each value of the param `colour`."""

    dots: Sequence[Dot]
    across: str | None
    colour: str | None
    losses: Axis
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def frame(self) -> Frame:
        return Frame(self._axis(), self.losses, self.width, self.height)

    def elements(self, frame: Frame) -> list[Element]:
        drawn: list[Element] = []
        groups = self._groups()
        for place, (_, dots) in enumerate(groups):
            shift = 0.0 if len(groups) == 1 else 12.0 * (place / (len(groups) - 1) - 0.5)
            drawn += self._group(frame, f"h{place}", dots, shift)
        return [*drawn, *self._failures(frame), *self._legend(frame, groups)]

    def _groups(self) -> list[tuple[str, list[Dot]]]:
        if self.colour is None:
            return [("", list(self.dots))]
        return [
            (f"{self.colour} = {show_value(v)}", [d for d in self.dots if d.values.get(self.colour) == v])
            for v in _values(self.dots, self.colour)
        ]

    def _side_by_side(self) -> bool:
        """Whether each value has the same room: words have, and numbers where there are few."""
        if self.across is None:
            return False
        found = _values(self.dots, self.across)
        widest = max(width_of(show_value(value), SMALL) for value in found) + 8
        fit = len(found) * max(widest, ROOM) <= self.width - 110
        return fit or not all(map(_is_number, found))

    def _axis(self) -> Axis:
        if self.across is None:
            return tight_axis("trials, by their loss", [1, max(2, len(self.dots))])
        found = _values(self.dots, self.across)
        if not self._side_by_side():
            return value_axis(self.across, [float(str(value)) for value in found])
        every = ceil(len(found) * ROOM / (self.width - 110))
        ticks = (Tick(i, show_value(v) if i % every == 0 else "") for i, v in enumerate(found))
        return Axis(self.across, -0.5, len(found) - 0.5, tuple(ticks))

    def _place(self, dot: Dot) -> float:
        assert self.across is not None
        value = dot.values[self.across]
        if self._side_by_side():
            return _values(self.dots, self.across).index(value)
        return float(str(value))

    def _group(self, frame: Frame, part: str, dots: Sequence[Dot], shift: float) -> list[Element]:
        if self.across is None:
            losses = sorted(dot.loss for dot in dots if dot.loss is not None)
            return [_dots(part, [frame.at(i, loss) for i, loss in enumerate(losses, 1)])]
        columns: dict[float, list[float]] = {}
        for dot in dots:
            if dot.loss is not None and self.across in dot.values:
                columns.setdefault(self._place(dot), []).append(dot.loss)
        drawn = [_column(frame, part, place, losses, shift) for place, losses in sorted(columns.items())]
        if self._side_by_side() and len(columns) > 1:
            middles = [frame.at(place, median(losses)) for place, losses in sorted(columns.items())]
            path = "L".join(f"{number(x + shift)} {number(y)}" for x, y in middles)
            drawn.append(element("path", class_=f"line {part}", d=f"M{path}"))
        return drawn

    def _failures(self, frame: Frame) -> list[Element]:
        """How many trials came to no good end, above each value, or above all."""
        failed = [dot for dot in self.dots if dot.loss is None]
        if not failed:
            return []
        if not self._side_by_side():
            text = f"{len(failed)} of {len(self.dots)} trials failed"
            return [element("text", text, class_="tick", x=frame.right, y=frame.top - 6, text_anchor="end")]
        counts: dict[float, int] = {}
        for dot in failed:
            counts[self._place(dot)] = counts.get(self._place(dot), 0) + 1
        return [
            element(
                "text",
                f"{count} failed",
                class_="tick",
                x=frame.at(place, self.losses.low)[0],
                y=frame.top - 6,
                text_anchor="middle",
            )
            for place, count in counts.items()
        ]

    def _legend(self, frame: Frame, groups: Sequence[tuple[str, list[Dot]]]) -> list[Element]:
        entries = [Entry(f"h{place}", name, True) for place, (name, _) in enumerate(groups) if name]
        return legend(frame, entries)


def _column(frame: Frame, part: str, place: float, losses: Sequence[float], shift: float) -> Element:
    """The trials of one value: dots, and where there are several a bar over them, marked at the median."""
    places = [frame.at(place, loss) for loss in losses]
    dots = _dots(part, [(x + shift, y) for x, y in places])
    if len(losses) == 1:
        return dots
    x, middle = frame.at(place, median(losses))
    ends = [y for _, y in places]
    bar = f"M{number(x + shift)} {number(min(ends))}V{number(max(ends))}"
    mark = f"M{number(x + shift - 6)} {number(middle)}h12"
    return element(
        "g",
        element("path", class_=f"bar {part}", d=bar),
        dots,
        element("path", class_=f"line {part}", d=mark),
    )


def _dots(part: str, places: Sequence[tuple[float, float]]) -> Element:
    r = 2.6
    arcs = "".join(
        f"M{number(x - r)} {number(y)}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z" for x, y in places
    )
    return element("path", class_=f"dot {part}", d=arcs)


def _style() -> str:
    shapes = ".dot { fill-opacity: 0.45; stroke: none }\n.bar { stroke-width: 1.5; stroke-opacity: 0.6 }\n"
    return style(more=Rules(shapes, _colours(LIGHT), _colours(DARK)))


def _colours(colours: Sequence[str]) -> str:
    return "".join(
        f".line.h{i}, .bar.h{i} {{ stroke: {colour} }}\n.dot.h{i} {{ fill: {colour} }}\n"
        for i, colour in enumerate(colours)
    )
