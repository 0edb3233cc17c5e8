"""`apply tanh`: an activation, or the softmax, as a line of its own."""

from dataclasses import replace
from typing import ClassVar

from deltaplan.compiler.build.activations import activation
from deltaplan.compiler.build.binding import bind
from deltaplan.compiler.build.braces import Braces, source_of
from deltaplan.compiler.build.form import Form
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Wire
from deltaplan.compiler.build.words import APPLIED
from deltaplan.compiler.nodes import Layer, Use
from deltaplan.diagnostics import Diagnostic, mistake


@mistake
class OneFunction(Diagnostic):
    code: ClassVar[str] = "one-function"
    title: ClassVar[str] = "`apply` takes one function"
    label: ClassVar[str] = "write `apply tanh`"


def apply_line(braces: Braces, read: Read) -> Wire:
    """The function of the line above, or of the source. Raises Told."""
    context = braces.context
    words = frozenset((*context.registry.names("activation"), *APPLIED))
    bound = bind(context, braces.scope, Form("apply", "layer", (), words=words), read.line.items, read.span)
    if len(bound.words) != 1:
        raise context.refuse(OneFunction(span=read.span))
    word, source = bound.words[0], source_of(braces, read)
    name = braces.name(read.line, "apply")
    if word.text in APPLIED:
        contract = context.registry.find("layer", word.text)
        assert contract is not None, "the built-in layers have it"
        use = Use(contract, {}, read.line.span)
        return braces.draft.add(Layer(name=name, span=read.line.span, use=use), source)
    chosen = activation(context, braces.scope, word)
    return braces.draft.add(replace(chosen.node(name, read.line.span), name=name), source)
