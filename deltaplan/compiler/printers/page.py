"""Our texts on a page of HTML, as notebooks show them."""

from html import escape


def preformatted(text: str) -> str:
    """The text as it stands, in letters of one width; nothing in it is taken for HTML."""
    style = "line-height: 1.25; overflow-x: auto; white-space: pre"
    return f'<pre style="{style}">{escape(text.rstrip())}</pre>'
