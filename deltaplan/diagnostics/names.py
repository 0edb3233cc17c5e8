"""The nearest of the known names to a misspelt one."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar known name, letter case and underscores aside; None if none is near."""
    from difflib import get_close_matches  # needed once something is wrong

    plain = {k.lower().replace("_", ""): k for k in known}
    found = get_close_matches(name.lower().replace("_", ""), plain, n=1, cutoff=0.7)
    return plain[found[0]] if found else None
