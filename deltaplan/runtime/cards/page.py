"""Cards as one HTML page, without scripts and without anything from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape

from deltaplan.plugins.expressions.latex import to_latex, to_mathml
from deltaplan.runtime.cards.card import Card, Fact
from deltaplan.runtime.cards.picture import curves_alone

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1rem; margin: 1.5rem 0 .3rem }
table { border-collapse: collapse } td { padding: .15rem 1.2rem .15rem 0; vertical-align: top }
td:first-child { opacity: .75; white-space: nowrap }
math { display: inline-block; overflow-x: auto; max-width: 100% }
code { font-size: .85rem; overflow-wrap: anywhere }
svg { max-width: 100%; height: auto }
"""


def page(cards: Sequence[Card]) -> str:
    """The whole file."""
    title = escape(", ".join(card.title for card in cards))
    body = "\n".join(part for card in cards for part in _card(card))
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{STYLE}</style></head>
<body>
{body}
</body>
</html>
"""


def _card(card: Card) -> Iterable[str]:
    yield f"<h1>{escape(card.title)}</h1>"
    yield f"<p>{escape(card.doc)}</p><p>{escape(card.origin)}</p>"
    if card.formulas:
        yield "<h2>Formulas</h2><table>"
        for formula in card.formulas:
            yield f"<tr><td>{escape(formula.name)}</td><td>{to_mathml(formula.expr)}</td></tr>"
        yield "</table><h2>LaTeX</h2><table>"
        for formula in card.formulas:
            latex = f"<code>{escape(to_latex(formula.expr))}</code>"
            yield f"<tr><td>{escape(formula.name)}</td><td>{latex}</td></tr>"
        yield "</table>"
    yield from _facts("Parameters", card.parameters)
    yield from _facts(f"With {card.given}" if card.given else "Facts", card.facts)
    if card.curves:
        yield curves_alone(card)


def _facts(title: str, facts: Sequence[Fact]) -> Iterable[str]:
    if not facts:
        return
    yield f"<h2>{escape(title)}</h2><table>"
    yield from (f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in facts)
    yield "</table>"
