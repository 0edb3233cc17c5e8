"""The page: sections with pictures, each with its numbers and a sentence, and the ledger at the end."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

from deltaplan.plugins.examining import Picture
from deltaplan.runtime.lab.figures import figure_of
from lecture.claims import Claim

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1f2328; background: #fff }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.6rem; border-top: 1px solid #d0d7de; padding-top: 1rem }
figure { margin: 1.2rem 0 } figure img { max-width: 100%; background: #fff }
figcaption { color: #57606a }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; display: block; overflow-x: auto }
th, td { text-align: left; padding: 0.25rem 0.7rem; border-bottom: 1px solid #d0d7de; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
code { overflow-wrap: anywhere }
.ledger th:nth-child(2) { width: 26% } .ledger th:nth-child(3) { width: 40% }
.ledger th:nth-child(5) { width: 15% }
pre { overflow-x: auto; background: #f6f8fa; padding: 0.8rem; font-size: 0.8rem }
@page { size: A4; margin: 15mm }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 11px }
  table { display: table; font-size: 10px } pre { font-size: 8px; white-space: pre-wrap }
  figure img { max-height: 95mm }
  figure, tr, pre, p { break-inside: avoid } h2, h2 + p { break-after: avoid }
  thead { display: table-header-group }
}
.holds { color: #116329 } .only { color: #7d4e00 } .not { color: #a40e26 }
@media screen and (prefers-color-scheme: dark) {
  body { color: #e6e9ed; background: #14181d } figcaption { color: #a5adb8 } pre { background: #1f262e }
  h2, th, td { border-color: #2a313a }
  .holds { color: #4ac26b } .only { color: #d4a72c } .not { color: #ff8182 }
}
"""
CLASSES = {"holds": "holds", "holds only if": "only", "does not hold": "not"}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the lecture: pictures with the sentence on what is seen, tables, texts and claims."""

    title: str
    intro: str
    pictures: tuple[Picture, ...] = ()
    tables: tuple[tuple[Sequence[str], Sequence[Sequence[str]]], ...] = ()
    text: str = ""
    claims: tuple[Claim, ...] = ()


def page(sections: Sequence[Section], slips: Sequence[tuple[str, str]], footer: str) -> str:
    """The whole document, nothing outside it needed."""
    claims = [claim for section in sections for claim in section.claims]
    parts = [_section(section) for section in sections]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Deep learning: the lecture, redone</title><style>{STYLE}</style></head><body>
<h1>Deep learning: the lecture, redone</h1>
<p>Every net on this page was trained by deltaplan for this page, from the specs in
<code>specs/lecture</code>. Statistics are medians over seeds, in tables over 32 (30 for flat minima),
with 95 % intervals by the bootstrap; each claim
of the lecture has its verdict, also where it does not show.
<a href="#ledger">The ledger of claims</a> is at the end.</p>
{"".join(parts)}
<h2 id="ledger">The ledger of claims</h2>
{_table(("", "the lecture says", "measured", "verdict", "spec"), map(_ledger_row, claims), True, "ledger")}
<h2>Slips of the slides</h2>
{_table(("the slide", "what is right, and the proof"), [tuple(map(escape, row)) for row in slips], raw=True)}
<p>{escape(footer)}</p>
</body></html>
"""


def _section(section: Section) -> str:
    tables = "".join(_table(head, rows) for head, rows in section.tables)
    text = f"<pre>{escape(section.text)}</pre>" if section.text else ""
    claims = "".join(
        f'<p><b>Claim {c.number}.</b> {escape(c.said)} <span class="{CLASSES[c.verdict]}">{c.verdict}</span>'
        f"{f' {escape(c.why)}' if c.why else ''}: {escape(c.found)}.</p>"
        for c in section.claims
    )
    figures = "".join(map(_figure, section.pictures))
    return f"<h2>{escape(section.title)}</h2><p>{escape(section.intro)}</p>{figures}{tables}{text}{claims}"


def _figure(picture: Picture) -> str:
    content = BytesIO()
    figure_of(picture).savefig(content, format="png", dpi=110)
    data = base64.b64encode(content.getvalue()).decode()
    alt = escape(picture.caption, quote=True)
    return (
        f'<figure><img alt="{alt}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )


def _ledger_row(claim: Claim) -> tuple[str, ...]:
    verdict = f'<span class="{CLASSES[claim.verdict]}">{claim.verdict}</span> {escape(claim.why)}'
    return (
        str(claim.number),
        escape(claim.said),
        escape(claim.found),
        verdict,
        f"<code>{escape(claim.spec)}</code>",
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], raw: bool = False, kind: str = "") -> str:
    def cell(text: str) -> str:
        number = text[:1].isdigit() or text[:1] in "-−"
        return f"<td{' class=number' if number and not raw else ''}>{text if raw else escape(text)}</td>"

    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table{f' class={kind}' if kind else ''}><thead><tr>{top}</tr></thead>{lines}</table>"
