"""Cards as files."""

from collections.abc import Sequence
from pathlib import Path

from deltaplan.runtime.cards.card import Card
from deltaplan.runtime.cards.page import page
from deltaplan.runtime.cards.picture import picture
from deltaplan.runtime.writing import refuse_to_overwrite, write_together


def write(cards: Sequence[Card], svg: Path | None, html: Path | None, replace: bool = False) -> None:
    """The first card as a picture, all of them as a page; either both files are written or none. SpecError
    where one is there, unless it may be replaced, or cannot be written."""
    files = {svg: picture(cards[0]).encode()} if svg else {}
    files |= {html: page(cards).encode()} if html else {}
    if not replace:
        refuse_to_overwrite(files, "--force")
    write_together(files)
