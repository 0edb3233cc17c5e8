"""A card as SVG: formulas and facts above, the curves below."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from deltaplan.plugins.expressions import to_text
from deltaplan.records import dataclass
from deltaplan.runtime.cards.card import Card, Curve, Fact, latex_lines
from deltaplan.runtime.svg.axes import Axis, Frame, linear_axis
from deltaplan.runtime.svg.canvas import Element, document, element
from deltaplan.runtime.svg.marks import Entry, legend, line
from deltaplan.runtime.svg.style import style

WIDTH, LEFT, NAMES, ROW, MOST = 640.0, 24.0, 150.0, 20.0, 3
TITLE, DOC, LETTERS = 64, 78, 56  # letters that have room in a line
PLOT = 330.0
PARTS = ("train", "validation")  # the two colours of lines


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a name in the first column, where there is one, and a text in the second, or in the first."""

    text: str
    name: str = ""
    wide: bool = False
    class_: str | None = None


def picture(card: Card) -> str:
    """The card as an SVG document."""
    rows = list(_rows(card))
    top = 32 + ROW * len(rows)
    plots = _plot(card.curves) if card.curves else []
    height = top + (PLOT if plots else 12)
    texts = [drawn for i, row in enumerate(rows) for drawn in _text(row, 32 + ROW * i)]
    lower = element("g", *plots, transform=f"translate(0 {top - 30:g})") if plots else None
    return document(WIDTH, height, card.title, style(), *texts, *([lower] if lower else []))


def curves_alone(card: Card) -> str:
    """The curves as an SVG document, for a page that has the rest as text."""
    return document(WIDTH, PLOT, card.title, style(), *_plot(card.curves))


def _rows(card: Card) -> Iterator[Row]:
    """All lines; what is long takes several."""
    yield from (Row(line, wide=True, class_="title") for line in wrap(card.title, TITLE))
    yield from (Row(line, wide=True) for line in wrap(card.doc.partition("\n\n")[0], DOC))
    yield from (Row(line, wide=True, class_="tick") for line in wrap(card.origin, DOC))
    yield from _section([(f.name, to_text(f.expr)) for f in card.formulas])
    yield from _section([("LaTeX", text) for text in latex_lines(card)])
    yield from _section(card.parameters)
    yield from _section([("with", card.given)] * bool(card.given) + list(card.facts))


def _section(facts: Sequence[Fact]) -> Iterator[Row]:
    if facts:
        yield Row("")
    before = ""
    for name, text in facts:
        lines = wrap(text, LETTERS) or [""]
        shown = lines if len(lines) <= MOST else [*lines[: MOST - 1], f"{lines[MOST - 1]} …"]
        yield Row(shown[0], name if name != before else "")
        yield from map(Row, shown[1:])
        before = name


def _text(row: Row, y: float) -> Iterator[Element]:
    if row.name:
        yield element("text", row.name, class_="tick", x=LEFT, y=y)
    if row.text:
        yield element("text", row.text, class_=row.class_, x=LEFT if row.wide else LEFT + NAMES, y=y)


def _plot(curves: tuple[Curve, ...]) -> list[Element]:
    ys = [v for curve in curves for v in curve.y]
    first = curves[0]
    x = Axis(first.symbol, first.x[0], first.x[-1], linear_axis("", first.x).ticks)
    frame = Frame(x, linear_axis("", ys), WIDTH, PLOT)
    drawn = [e for part, c in zip(PARTS, curves, strict=False) for e in line(frame, part, c.x, c.y)]
    entries = [Entry(part, curve.name, True) for part, curve in zip(PARTS, curves, strict=False)]
    return [*frame.draw(""), *drawn, *legend(frame, entries)]
