"""Lines in braces, found by their heads once all are read."""

from deltaplan.dsl import tree


def line_of(block: tree.Line, head: str) -> tree.Line | None:
    """The first line of that head in the braces of a block."""
    lines = block.body.lines if block.body else ()
    return next((line for line in lines if isinstance(line.head, tree.Name) and line.head.text == head), None)
