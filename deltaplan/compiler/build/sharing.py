"""`share=a`: a line whose layers use the parameters of another line's layers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from deltaplan.compiler.build.bound import Bound
from deltaplan.compiler.build.braces import Braces, named_source
from deltaplan.compiler.build.draft import ShareDoesNotFit, Sharing
from deltaplan.compiler.build.form import Slot
from deltaplan.compiler.build.names import OtherForm
from deltaplan.compiler.nodes import Layer
from deltaplan.compiler.parameters import is_trained
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree

SHARE = Slot("share", "tree")
OWNED = ("init", "freeze")  # what the line with the parameters says of them


@mistake
class NotOwned(Diagnostic):
    code: ClassVar[str] = "not-owned"
    title: ClassVar[str] = "`{option}` beside `share={owner}`: the parameters are those of `{owner}`"
    help: ClassVar[str] = "it belongs on the line of `{owner}`"
    option: str
    owner: str


@contextmanager
def sharing(braces: Braces, bound: Bound) -> Iterator[None]:
    """While the lines within are built, their layers take the parameters of the line that `share=` names.
    Raises Told where the two do not fit."""
    value = bound.trees.get(SHARE.name)
    if value is None:
        yield
        return
    context, draft = braces.context, braces.draft
    found = _owner(braces, value, bound)
    before, draft.sharing = draft.sharing, found
    try:
        yield
    finally:
        draft.sharing = before
    if found.taken < len(found.layers):
        reason = f"it has {len(found.layers)} layers with parameters, and here are {found.taken}"
        raise context.refuse(ShareDoesNotFit(span=found.span, owner=found.name, reason=reason))


def _owner(braces: Braces, value: tree.Value, bound: Bound) -> Sharing:
    context = braces.context
    if not isinstance(value, tree.Name):
        mend = f"share={value.span.text}".replace('"', "")
        raise context.refuse(OtherForm(span=value.span, written=f"share={value.span.text}", mend=mend))
    for option in OWNED:
        if option in bound.spans:
            raise context.refuse(NotOwned(span=bound.spans[option], option=option, owner=value.text))
    wire = named_source(braces, value)
    nodes = {n: braces.draft.nodes[n] for n in (braces.draft.trail[i] for i in wire.made)}
    layers = [n for n in nodes.values() if isinstance(n, Layer) and is_trained(n) and n.share not in nodes]
    if not layers:
        raise context.refuse(ShareDoesNotFit(span=value.span, owner=value.text, reason="it has none"))
    return Sharing(value.text, value.span, layers)
