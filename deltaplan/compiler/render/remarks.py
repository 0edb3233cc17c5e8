"""What is said in the comment after a line: the writer's own words, then where its values came from."""

import re
from collections.abc import Iterable

from deltaplan.dsl import tree

COMMENT = re.compile(r"[ \t]*#[ \t]*([^\r\n]*)")


def comment(line: tree.Line, *remarks: str) -> str:
    """The comment of the line, with every remark that is not in it yet."""
    own = written(line)
    return "; ".join(filter(None, (own, *(each for each in remarks if f"; {each}; " not in f"; {own}; "))))


def written(line: tree.Line) -> str:
    """The comment that stands after the line, or after its opening brace."""
    end = line.body.span.start + 1 if line.body else line.span.end
    found = COMMENT.match(line.span.source.text, end)
    return found[1].rstrip() if found else ""


def defaulted(names: Iterable[str]) -> str:
    """Which values were filled in."""
    return f"default: {', '.join(dict.fromkeys(names))}"
