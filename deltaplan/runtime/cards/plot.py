"""A curve in letters: braille, whose dots are eight to a letter, or plain letters."""

from collections.abc import Callable, Sequence
from dataclasses import field
from math import floor, isfinite

from deltaplan.records import dataclass
from deltaplan.runtime.cards.card import Curve

BRAILLE, BITS = 0x2800, ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
PLAIN = {"both": "|", "upper": "'", "lower": "."}
FAR = 3.0  # values beyond so many times the middle half's range are cut off
LABEL = 8  # letters for a number beside the plot


def plot(curve: Curve, width: int, height: int, plain: bool = False) -> list[str]:
    """Lines of `width` letters: the name, `height` lines of the curve with its ends on the left, and the ends
    of the axis below. `plain` is for terminals that have no braille."""
    low, high = _range(curve.y)
    columns, per_column, per_row = width - LABEL - 1, (1 if plain else 2), (2 if plain else 4)
    dots = Dots(columns * per_column, height * per_row)
    dots.draw(curve.x, [0.0] * len(curve.x), low, high, dotted=True)
    dots.draw(curve.x, curve.y, low, high)
    rows = dots.plain() if plain else dots.braille()
    labels = {0: f"{high:.3g}", height - 1: f"{low:.3g}"}
    body = [f"{labels.get(i, ''):>{LABEL}} {row}" for i, row in enumerate(rows)]
    left, right = f"{curve.x[0]:g}", f"{curve.symbol} = {curve.x[-1]:g}"
    foot = " " * (LABEL + 1) + left + right.rjust(columns - len(left))
    return [f"{' ' * (LABEL + 1)}{curve.name}"[:width], *(line.rstrip() for line in body), foot]


def side_by_side(blocks: Sequence[list[str]], width: int) -> list[str]:
    """Blocks of equally many lines, each so wide."""
    return ["".join(line.ljust(width) for line in lines).rstrip() for lines in zip(*blocks, strict=True)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest value without what is far out, 0 among them where it is near."""
    finite = sorted(v for v in values if isfinite(v))
    if not finite:
        return -1.0, 1.0
    quarter, rest = finite[len(finite) // 4], finite[3 * len(finite) // 4]
    room = FAR * max(rest - quarter, 1e-300)
    low, high = max(finite[0], quarter - room), min(finite[-1], rest + room)
    low, high = (0.0 if abs(end) < (high - low) / 500 else end for end in (low, high))
    return (low, high) if high > low else (low - 1.0, high + 1.0)


@dataclass(slots=True)
class Dots:
    """A raster of dots from the top left."""

    width: int
    height: int
    lit: set[tuple[int, int]] = field(default_factory=set)

    def draw(
        self, x: Sequence[float], y: Sequence[float], low: float, high: float, dotted: bool = False
    ) -> None:
        """A curve from the first x to the last; with `dotted` every fourth dot of it."""
        before: int | None = None
        for column in range(self.width):
            value = y[round(column * (len(x) - 1) / max(self.width - 1, 1))]
            if not (isfinite(value) and low <= value <= high):
                before = None
                continue
            row = self.height - 1 - floor((value - low) / (high - low) * (self.height - 1) + 0.5)
            if not dotted:
                first = row if before is None else before + (row > before) - (row < before)
                self.lit |= {(column, r) for r in range(min(first, row), max(first, row) + 1)}
            elif column % 4 == 0:
                self.lit.add((column, row))
            before = row

    def braille(self) -> list[str]:
        def letter(column: int, row: int) -> str:
            bits = (BITS[j][i] for i in (0, 1) for j in range(4) if (2 * column + i, 4 * row + j) in self.lit)
            return chr(BRAILLE + sum(bits))

        return self._letters(2, 4, letter)

    def plain(self) -> list[str]:
        def letter(column: int, row: int) -> str:
            upper, lower = ((column, 2 * row + j) in self.lit for j in (0, 1))
            return (
                PLAIN["both"]
                if upper and lower
                else PLAIN["upper"]
                if upper
                else PLAIN["lower"]
                if lower
                else " "
            )

        return self._letters(1, 2, letter)

    def _letters(self, across: int, down: int, letter: Callable[[int, int], str]) -> list[str]:
        columns, rows = range(self.width // across), range(self.height // down)
        return ["".join(letter(c, r) for c in columns) for r in rows]
