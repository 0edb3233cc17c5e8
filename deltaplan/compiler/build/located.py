"""Places of parameters, as regularizers and the lines of `train` name them."""

from typing import ClassVar

from deltaplan.compiler.build.context import Told
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.scope import Lost
from deltaplan.compiler.build.terms import Objective
from deltaplan.compiler.nodes import Layer
from deltaplan.compiler.parameters import is_trained
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree

WHOLE_PLACES = ("weights", "biases", "parameters", "output")


@mistake
class NoParametersThere(Diagnostic):
    code: ClassVar[str] = "no-parameters-there"
    title: ClassVar[str] = "`{name}` has no parameters"
    name: str


def places_of(objective: Objective, on: tree.Value | None) -> tuple[str, ...]:
    """`on=weights`, `on=[a, b]`: the words, and the names of the layers of named lines. Raises Told."""
    return tuple(place for each in _listed(on) for place in _places(objective, each))


def _places(objective: Objective, place: tree.Value) -> tuple[str, ...]:
    """One of the words, or the layers of a named line."""
    context, draft = objective.context, objective.model.draft
    text = place.span.text
    if text in WHOLE_PLACES and not isinstance(draft.nodes.get(text), Layer):
        return (text,)
    found = (objective.scope.node(text) or draft.ends.get(text)) if isinstance(place, tree.Name) else None
    if isinstance(found, Lost):
        raise Told
    if found is None and text not in draft.nodes:
        raise _unknown_place(objective, place, text)
    names = [draft.trail[i] for i in found.made] if found else [text]
    nodes = [draft.nodes[name] for name in names]
    layers = tuple(n.share or n.name for n in nodes if isinstance(n, Layer) and is_trained(n))
    if not layers:
        raise context.refuse(NoParametersThere(span=place.span, name=text))
    return layers


def _unknown_place(objective: Objective, place: tree.Value, text: str) -> Told:
    if not objective.model.complete:
        return Told()
    known = [*WHOLE_PLACES, *objective.scope.nodes(), *objective.model.draft.nodes]
    return unknown(objective.context, "place", text, place.span, known)


def _listed(value: tree.Value | None) -> tuple[tree.Value, ...]:
    if value is None:
        return ()
    return value.items if isinstance(value, tree.List) else (value,)
