"""A card as SVG: formulas and facts above, the curves below."""

from collections.abc import Iterator
from textwrap import wrap

from deltaplan.plugins.expressions import to_text
from deltaplan.runtime.cards.card import Card, Curve
from deltaplan.runtime.svg.axes import Axis, Frame, linear_axis
from deltaplan.runtime.svg.canvas import Element, document, element
from deltaplan.runtime.svg.marks import Entry, legend, line
from deltaplan.runtime.svg.style import style

WIDTH, LEFT, NAMES, ROW, LETTERS, MOST = 640.0, 24.0, 150.0, 20.0, 62, 3
PLOT = 330.0
PARTS = ("train", "validation")  # the two colours of lines


def picture(card: Card) -> str:
    """The card as an SVG document."""
    rows = list(_rows(card))
    top = 58 + ROW * len(rows)
    plots = _plot(card.curves) if card.curves else []
    height = top + (PLOT if plots else 12)
    heading = element("text", card.title, class_="title", x=LEFT, y=32)
    texts = [drawn for i, row in enumerate(rows) for drawn in _text(row, 58 + ROW * i)]
    lower = element("g", *plots, transform=f"translate(0 {top - 30:g})") if plots else None
    parts = [heading, *texts, *([lower] if lower else [])]
    return document(WIDTH, height, card.title, style(), *parts)


def curves_alone(card: Card) -> str:
    """The curves as an SVG document, for a page that has the rest as text."""
    return document(WIDTH, PLOT, card.title, style(), *_plot(card.curves))


def _rows(card: Card) -> Iterator[tuple[str, str, float]]:
    """Names, texts and where these begin, a long text on several rows; one without a name is at the left."""
    first = card.doc.partition("\n")[0]
    formulas = [(f.name, to_text(f.expr)) for f in card.formulas]
    given = [("with", card.given)] if card.given else []
    for name, text in [("", first), *formulas, *given, *card.facts]:
        lines = wrap(text, LETTERS if name else LETTERS + 18) or [""]
        shown = lines if len(lines) <= MOST else [*lines[: MOST - 1], f"{lines[MOST - 1]} …"]
        for row, line_shown in enumerate(shown):
            yield "" if row else name, line_shown, LEFT + NAMES if name else LEFT


def _text(row: tuple[str, str, float], y: float) -> Iterator[Element]:
    name, text, x = row
    if name:
        yield element("text", name, class_="tick", x=LEFT, y=y)
    yield element("text", text, x=x, y=y)


def _plot(curves: tuple[Curve, ...]) -> list[Element]:
    ys = [v for curve in curves for v in curve.y]
    first = curves[0]
    x = Axis(first.symbol, first.x[0], first.x[-1], linear_axis("", first.x).ticks)
    frame = Frame(x, linear_axis("", ys), WIDTH, PLOT)
    drawn = [e for part, c in zip(PARTS, curves, strict=False) for e in line(frame, part, c.x, c.y)]
    entries = [Entry(part, curve.name, True) for part, curve in zip(PARTS, curves, strict=False)]
    return [*frame.draw(""), *drawn, *legend(frame, entries)]
