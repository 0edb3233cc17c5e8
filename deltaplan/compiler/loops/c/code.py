"""Lines of C in their blocks."""

import re
from collections.abc import Iterator
from dataclasses import field
from textwrap import wrap

from deltaplan.records import dataclass

WIDTH = 100
STEP = "    "
HELD = "\0"  # a space at which no line ends


@dataclass(slots=True)
class Block:
    """Lines under a head, `for (...)`; in braces where they are more than one."""

    head: str
    inner: list["Code"] = field(default_factory=list)


Code = str | Block


def lines_of(code: list[Code], margin: str = "") -> Iterator[str]:
    """The text of some code, line by line."""
    for each in code:
        if isinstance(each, str):
            yield from folded(each, margin)
            continue
        alone = len(each.inner) == 1
        yield from folded(each.head + ("" if alone else " {"), margin)
        yield from lines_of(each.inner, margin + STEP)
        if not alone:
            yield margin + "}"


def folded(text: str, margin: str = "") -> list[str]:
    """A statement in lines that are not too long, those that go on further in; a declaration stays whole."""
    kept = re.sub(r"(?<=\bconst) | (?=\*\w)|(?<=float) |(?<=double) |(?<=int) ", HELD, text)
    lines = wrap(
        kept,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin + STEP * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(HELD, " ") for line in lines]
