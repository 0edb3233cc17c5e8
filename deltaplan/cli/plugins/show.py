"""`deltaplan plugins show`: the card of a contribution, in the terminal, as SVG or as HTML."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deltaplan.plugins.expressions import Expr
    from deltaplan.runtime.cards.card import Card

WIDTH, NAMES, LINES, HEIGHT = 80, 14, 5, 8  # columns in all and for names, lines of a formula and of a plot


@click.command("show")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Write the card as a picture.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write the card as a page.")
@click.option("--force", is_flag=True, help="Replace the files if they are there.")
def command(name: str, file: Path | None, svg: Path | None, html: Path | None, force: bool) -> None:
    """Show all that follows from what a plugin says once: formulas, derivatives, bounds, a plot.

    NAME is one that a spec may use; with FILE, a spec or a Python file, also one that it brings.
    """
    from deltaplan.cli.console import say
    from deltaplan.runtime.cards.card import card_of
    from deltaplan.runtime.cards.files import write
    from deltaplan.runtime.named import named

    cards = [card_of(found) for found in named(name, file)]
    if svg or html:
        write(cards, svg, html, force)
    say("\n\n".join("\n".join(_text(card)) for card in cards))


def _text(card: "Card") -> Iterator[str]:
    yield from wrap(card.title, WIDTH, subsequent_indent="    ")
    for paragraph in card.doc.split("\n\n"):
        yield from wrap(paragraph, WIDTH, initial_indent="  ", subsequent_indent="  ") or [""]
    yield from wrap(card.origin, WIDTH, initial_indent="  ", subsequent_indent="  ")
    if card.formulas:
        yield ""
        yield from _formulas(card)
    for title, facts in (("parameters", card.parameters), (_given(card), card.facts)):
        if facts:
            yield ""
            yield f"  {title}"
            for name, text in facts:
                yield from _row(name, text)
    if card.curves:
        yield ""
        yield from _plots(card)


def _given(card: "Card") -> str:
    return f"with {card.given}" if card.given else "facts"


def _formulas(card: "Card") -> Iterator[str]:
    from deltaplan.plugins.expressions import to_text
    from deltaplan.plugins.expressions.latex import to_latex

    for formula in card.formulas:
        yield from _row(formula.name, _cut(to_text(formula.expr)))
    first: Expr = card.formulas[0].expr
    yield from _row("LaTeX", _cut(to_latex(first)))


def _cut(text: str) -> str:
    """What has room on some lines; the rest is in the files."""
    room = LINES * (WIDTH - NAMES - 2) - 10
    return text if len(text) <= room else f"{text[:room].rpartition(' ')[0]} …"


def _row(name: str, text: str) -> Iterator[str]:
    indent = " " * (NAMES + 2)
    first, *others = wrap(text, WIDTH - NAMES - 2) or [""]
    if len(name) > NAMES - 2:
        yield f"  {name}"
        yield indent + first
    else:
        yield f"  {name:<{NAMES}}{first}".rstrip()
    yield from (indent + line for line in others)


def _plots(card: "Card") -> Iterator[str]:
    from deltaplan.runtime.cards.plot import plot, side_by_side

    width = WIDTH // 2
    blocks = [plot(curve, width - 2, HEIGHT, plain=not _has_braille()) for curve in card.curves]
    for begin in range(0, len(blocks), 2):
        yield from side_by_side(blocks[begin : begin + 2], width)


def _has_braille() -> bool:
    try:
        chr(0x28FF).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
