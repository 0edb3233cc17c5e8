"""A bare `input` or `output`, whose size the data say."""

from typing import ClassVar

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.nodes import Shape
from deltaplan.diagnostics import Diagnostic, Span, mistake
from deltaplan.dsl import tree


@mistake
class LeftToTheData(Diagnostic):
    code: ClassVar[str] = "left-to-the-data"
    title: ClassVar[str] = "{what} is measured on the data, and there are none"
    help: ClassVar[str] = "{mend}"
    what: str
    mend: str


def size_of(context: Context, head: str, name: str, span: Span) -> Shape:
    """The shape of a bare `input`, or the size of a bare `output`. Raises Told."""
    if name in context.measured.sizes:
        return context.measured.sizes[name]
    if context.unmeasured:
        raise Told
    mend = f"write it, `{head} 4`, or say in a `data` block which columns there are"
    raise context.refuse(LeftToTheData(span=span, what=f"the size of a bare `{head}`", mend=mend))


def is_bare(line: tree.Line) -> bool:
    """Whether an `input` or `output` line leaves its size to the data."""
    return all(isinstance(item, tree.Option) for item in line.items)
