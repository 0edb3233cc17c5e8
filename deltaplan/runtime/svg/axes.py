"""Axes: a range with round marks on a linear or a logarithmic scale, and the frame that two of them make."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, isfinite, log10

from deltaplan.records import dataclass
from deltaplan.runtime.svg.canvas import Element, element, width_of
from deltaplan.runtime.svg.style import FONT, SMALL, TITLE

SMALLEST = 1e-300  # a range or a value below is drawn as none: its steps would be 0
LEAST_LOG_RATIO = 5.0  # a range that is narrower than this is drawn on a linear scale
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Tick:
    value: float
    label: str  # empty for a mark between labelled ones


@dataclass(frozen=True, slots=True)
class Axis:
    label: str
    low: float
    high: float
    ticks: tuple[Tick, ...]
    log: bool = False

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        middle = self.low / 2 + self.high / 2  # the difference itself may be too large for a float
        return 0.5 + (value / 2 - middle / 2) / (self.high / 2 - self.low / 2)


def linear_axis(label: str, values: Iterable[float], wanted: int = 6) -> Axis:
    """From the round number at or below the least value to that at or above the greatest."""
    low, high = _range(values)
    step = _round_step(high / wanted - low / wanted)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(Tick(i * step, _plain(i * step, step)) for i in range(first, last + 1))
    return Axis(label, first * step, last * step, ticks)


def tight_axis(label: str, values: Iterable[float], wanted: int = 8) -> Axis:
    """From the least to the greatest value, with round marks between them: for epochs."""
    low, high = _range(values)
    step = max(1.0, _round_step(high / wanted - low / wanted))
    ticks = tuple(
        Tick(i * step, _plain(i * step, step)) for i in range(ceil(low / step), floor(high / step) + 1)
    )
    return Axis(label, low, high, ticks)


def log_axis(label: str, values: Iterable[float]) -> Axis:
    """Positive values between powers of ten, or 2 and 5 times one; labels at powers, at all three if few."""
    low, high = _range(values)
    marks = [float(f"{m}e{k}") for k in range(_decade(low), _decade(high) + 2) for m in (1, 2, 5)]
    first = max(i for i, mark in enumerate(marks) if mark <= low)
    last = min(i for i, mark in enumerate(marks) if mark >= high)
    shown = marks[first : last + 1]
    decades = _decade(shown[-1]) - _decade(shown[0])
    every = max(1, ceil(decades / 7))
    powers = shown[0] < 1e-4 or shown[-1] > 1e5
    ticks = [Tick(m, _log_label(m, powers) if _has_label(m, decades, every) else "") for m in shown]
    return Axis(label, shown[0], shown[-1], tuple(t for t in ticks if t.label or decades <= 4), log=True)


def value_axis(label: str, values: Sequence[float]) -> Axis:
    """Logarithmic where all values are positive and differ by more than a factor of 5, else linear."""
    finite = [v for v in values if isfinite(v)]
    if finite and min(finite) > SMALLEST and max(finite) / LEAST_LOG_RATIO > min(finite):
        return log_axis(label, finite)
    return linear_axis(label, finite)


def _range(values: Iterable[float]) -> tuple[float, float]:
    """The least and the greatest value, made to differ; 0 to 1 where there is none."""
    finite = [float(v) for v in values if isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if high - low > max(SMALLEST, 1e-12 * max(abs(low), abs(high))):
        return low, high
    room = abs(low) / 2 if abs(low) > SMALLEST else 0.5
    return low - room, high + room


def _round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least so large."""
    power = 10.0 ** _decade(least)
    return next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))


def _decade(value: float) -> int:
    return floor(log10(value) + 1e-12)


def _plain(value: float, step: float) -> str:
    """As many decimals as the step needs; very large and very small ones as a power of ten."""
    largest = max(abs(value), step)
    if value and (largest >= 1e6 or step < 1e-4):
        digits = max(0, _decade(abs(value)) - _decade(step))
        mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
        return f"{mantissa}·10{str(int(exponent)).translate(SUPERSCRIPTS)}".replace("-", "−")
    return f"{value:.{max(0, -_decade(step))}f}".replace("-", "−") if value else "0"


def _has_label(mark: float, decades: int, every: int) -> bool:
    """Powers of ten, each or every so many; between them marks have labels where there are few powers."""
    is_power = f"{mark:.0e}".startswith("1")
    return _decade(mark) % every == 0 if is_power else decades <= 1


def _log_label(mark: float, as_power: bool) -> str:
    power = _decade(mark)
    if not as_power or mark == 1:
        return f"{mark:.{max(0, -power)}f}"
    factor = f"{mark:.0e}"[0]
    return ("" if factor == "1" else f"{factor}·") + f"10{str(power).translate(SUPERSCRIPTS)}"


@dataclass(frozen=True, slots=True)
class Frame:
    """Two axes on a picture; the plot is the rectangle from (left, top) to (right, bottom)."""

    x: Axis
    y: Axis
    width: float = 640.0
    height: float = 400.0

    @property
    def left(self) -> float:
        return 44 + max((width_of(tick.label, SMALL) for tick in self.y.ticks), default=0)

    @property
    def right(self) -> float:
        return self.width - 24

    @property
    def top(self) -> float:
        return 66

    @property
    def bottom(self) -> float:
        return self.height - 56

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the data stands, in pixels; one far outside stays 20 pictures away."""
        across, up = (min(max(place, -20.0), 20.0) for place in (self.x.place(x), self.y.place(y)))
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def draw(self, title: str) -> list[Element]:
        """Grid, marks, labels and title; what is plotted comes on top."""
        return [
            *(self._row(tick) for tick in self.y.ticks),
            *(self._column(tick) for tick in self.x.ticks),
            element("path", class_="axis", d=f"M{self.left:g} {self.bottom:g}H{self.right:g}"),
            element("text", self._cut(title), class_="title", x=self.left, y=20 + TITLE / 2),
            self._x_label(),
            self._y_label(),
        ]

    def _cut(self, title: str) -> str:
        """As much of a title as there is room for; the whole of it is the document's."""
        room = int((self.right - self.left) / width_of("n", TITLE))
        return title if len(title) <= room else f"{title[: room - 1]}…"

    def _row(self, tick: Tick) -> Element:
        _, y = self.at(self.x.low, tick.value)
        line = element("line", class_="grid", x1=self.left, x2=self.right, y1=y, y2=y)
        return element("g", line, *self._tick(tick, self.left - 8, y + SMALL * 0.36, "end"))

    def _column(self, tick: Tick) -> Element:
        x, _ = self.at(tick.value, self.y.low)
        line = element("line", class_="axis", x1=x, x2=x, y1=self.bottom, y2=self.bottom + 5)
        return element("g", line, *self._tick(tick, x, self.bottom + 8 + SMALL, "middle"))

    def _tick(self, tick: Tick, x: float, y: float, anchor: str) -> list[Element]:
        if not tick.label:
            return []
        return [element("text", tick.label, class_="tick", x=x, y=y, text_anchor=anchor)]

    def _x_label(self) -> Element:
        middle = (self.left + self.right) / 2
        return element("text", self.x.label, x=middle, y=self.height - 14, text_anchor="middle")

    def _y_label(self) -> Element:
        x, y = 12 + FONT / 2, (self.top + self.bottom) / 2
        turned = f"translate({x:g} {y:g}) rotate(-90)"
        return element("text", self.y.label, transform=turned, text_anchor="middle")
