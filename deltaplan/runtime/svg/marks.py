"""What is drawn into a frame: lines with gaps, samples as marks of a shape for each part, a legend."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isfinite

from deltaplan.records import dataclass
from deltaplan.runtime.svg.axes import Frame
from deltaplan.runtime.svg.canvas import Element, element, number, width_of
from deltaplan.runtime.svg.style import FONT

Point = tuple[float, float]
RADIUS = 3.2


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the legend: a class of the style, what it says, and whether it is a line or a mark."""

    part: str
    text: str
    line: bool


def line(frame: Frame, part: str, x: Sequence[float], y: Sequence[float]) -> list[Element]:
    """A line through the points, interrupted where a value is not finite; a point alone becomes a dot."""
    drawn: list[Element] = []
    for run in _runs(x, y):
        places = _thinned([frame.at(*point) for point in run])
        if len(places) == 1:
            drawn.append(marks(part, places))
        else:
            drawn.append(element("path", class_=f"line {part}", d="M" + "L".join(map(_pair, places))))
    return drawn


def marks(part: str, places: Sequence[Point]) -> Element:
    """Marks at places in pixels: dots for training, diamonds for validation, triangles for the test."""
    return element("path", class_=f"mark {part}", d="".join(_mark(part, *place) for place in places))


def legend(frame: Frame, entries: Sequence[Entry]) -> list[Element]:
    """Entries in a row above the plot, each with its line or mark."""
    drawn: list[Element] = []
    x, y = frame.left, frame.top - 20
    for entry in entries:
        sign = (
            element("path", class_=f"line {entry.part}", d=f"M{number(x)} {number(y)}h18")
            if entry.line
            else marks(entry.part, [(x + 9, y)])
        )
        drawn += [sign, element("text", entry.text, x=x + 25, y=y + FONT * 0.36)]
        x += 25 + width_of(entry.text, FONT) + 22
    return drawn


def _runs(x: Sequence[float], y: Sequence[float]) -> Iterator[list[Point]]:
    run: list[Point] = []
    for point in zip(map(float, x), map(float, y), strict=True):
        if all(map(isfinite, point)):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _thinned(places: list[Point]) -> list[Point]:
    """At most four points for each column of pixels: the first, the lowest, the highest, the last."""
    if len(places) < 2000:
        return places
    kept: list[Point] = []
    for begin, end in pairwise(_column_starts(places)):
        column = places[begin:end]
        extremes = (min(column, key=lambda p: p[1]), max(column, key=lambda p: p[1]))
        kept += [p for p in column if p in (column[0], column[-1], *extremes)]
    return kept


def _column_starts(places: Sequence[Point]) -> list[int]:
    changes = [i for i, (a, b) in enumerate(pairwise(places), 1) if int(a[0]) != int(b[0])]
    return [0, *changes, len(places)]


def _mark(part: str, x: float, y: float) -> str:
    r = RADIUS
    match part:
        case "validation":
            d = 1.35 * r
            return f"M{_pair((x, y - d))}l{_pair((d, d))} {_pair((-d, d))} {_pair((-d, -d))}z"
        case "test":
            d = 1.3 * r
            return f"M{_pair((x, y - d))}l{_pair((d, 1.8 * d))}h{number(-2 * d)}z"
        case _:
            return f"M{_pair((x - r, y))}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"


def _pair(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"
