"""Elements of an SVG document and their text."""

from collections.abc import Iterable
from math import isfinite
from xml.sax.saxutils import escape, quoteattr

from deltaplan.records import dataclass
from deltaplan.runtime.svg.style import PICTURE

Attribute = str | float | None


@dataclass(frozen=True, slots=True)
class Element:
    """A tag with attributes and children; a child that is a string is text."""

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: "tuple[Element | str, ...]" = ()

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, indent: str = "") -> Iterable[str]:
        """One line for an element whose children are text, else one for each child."""
        opening = f"{indent}<{self.tag}" + "".join(f" {k}={quoteattr(v)}" for k, v in self.attributes)
        if not self.children:
            yield f"{opening}/>"
        elif all(isinstance(child, str) for child in self.children):
            yield f"{opening}>{escape(''.join(map(str, self.children)))}</{self.tag}>"
        else:
            yield f"{opening}>"
            for child in self.children:
                part = element("tspan", child) if isinstance(child, str) else child
                yield from part.lines(indent + " ")
            yield f"{indent}</{self.tag}>"


def element(tag: str, *children: Element | str, **attributes: Attribute) -> Element:
    """`element("text", "loss", x=10, text_anchor="end", class_="tick")`; None leaves an attribute out."""
    named = tuple(
        (name.rstrip("_").replace("_", "-"), _attribute(value))
        for name, value in attributes.items()
        if value is not None
    )
    return Element(tag, named, tuple(clean(c) if isinstance(c, str) else c for c in children))


def document(width: float, height: float, title: str, style: str, *children: Element) -> str:
    """The whole file. `title` is what is read aloud and shown under the pointer."""
    page = element("rect", class_="page", width=width, height=height)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" \
viewBox="0 0 {number(width)} {number(height)}" class="{PICTURE}" role="img">
{element("title", title)}
<style>
{style.strip()}
</style>
{element("g", page, *children)}
</svg>
"""


def number(value: float) -> str:
    """Hundredths of a pixel, without idle zeros."""
    assert isfinite(value), "a place in a picture is a number"
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def clean(text: str) -> str:
    """The text without what XML cannot hold (control characters, halves of surrogate pairs)."""
    return "".join(c if _is_xml(ord(c)) else "\N{REPLACEMENT CHARACTER}" for c in text)


def width_of(text: str, size: float) -> float:
    """About the width of a text in a sans-serif font, in pixels: for laying out, on the safe side."""
    return sum(0.34 if c in ".,:;!'|()ijl I" else 0.62 for c in text) * size


def _attribute(value: str | float) -> str:
    return clean(value) if isinstance(value, str) else number(value)


def _is_xml(code: int) -> bool:
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
