"""From a text to its tree and its mistakes."""

from deltaplan.diagnostics import Diagnostic, Source
from deltaplan.dsl.limits import LIMITS, Limits, excess
from deltaplan.dsl.tree import Spec
from deltaplan.pauses import uncollected


@uncollected()
def parse(source: Source, limits: Limits = LIMITS) -> tuple[Spec, tuple[Diagnostic, ...]]:
    """The tree of a spec and every mistake in its syntax, in the order of the text; 100 of them are told.

    A line that was not understood is in the tree as a broken one, with its body. A text over the limits is
    refused before any work on it: its tree is empty.
    """
    if over := excess(source, limits):
        return Spec((), source), (over,)
    # Here and not above: the parser's library costs a tenth of a second, which `--help` need not pay.
    from deltaplan.dsl.convert import convert
    from deltaplan.dsl.mistakes import Mistakes
    from deltaplan.dsl.reader import Reader

    mistakes = Mistakes()
    tree = Reader(source, mistakes).read()
    spec = convert(tree, source, limits, mistakes)
    return spec, mistakes.all()
