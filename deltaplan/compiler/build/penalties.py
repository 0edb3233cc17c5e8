"""Regularizers: `l2(1e-4)`, `0.1 * l1(1e-3, on=features)`."""

from dataclasses import dataclass
from typing import ClassVar

from deltaplan.compiler.build.activations import filled
from deltaplan.compiler.build.context import Told
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.scope import Lost
from deltaplan.compiler.build.terms import Objective, use_of
from deltaplan.compiler.nodes import Layer, Penalty
from deltaplan.diagnostics import Diagnostic
from deltaplan.dsl import tree
from deltaplan.plugins import contracts

WHOLE_PLACES = ("weights", "biases", "parameters", "output")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParametersThere(Diagnostic):
    code: ClassVar[str] = "no-parameters-there"
    title: ClassVar[str] = "`{name}` has no parameters"
    name: str


def add_penalty(objective: Objective, core: tree.Value, name: str, factor: float) -> None:
    use, trees = use_of(objective, "regularizer", core, name)
    assert isinstance(use.contract, contracts.Regularizer)
    draft = objective.model.draft
    places = tuple(p for place in _listed(trees.get("on")) for p in _places(objective, place)) or ("weights",)
    node = Penalty(
        name=draft.name_once(f"penalty.{use.name}"),
        span=use.span,
        use=use,
        factor=factor,
        places=places,
        expression=filled(use.contract.expression, use),
    )
    draft.link(node)


def _places(objective: Objective, place: tree.Value) -> tuple[str, ...]:
    """A place of a regularizer: one of the words, or the layers of a named line."""
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
    layers = tuple(name for name in names if _is_trained(draft.nodes[name]))
    if not layers:
        raise context.refuse(NoParametersThere(span=place.span, name=text))
    return layers


def _unknown_place(objective: Objective, place: tree.Value, text: str) -> Told:
    if not objective.model.complete:
        return Told()
    known = [*WHOLE_PLACES, *objective.scope.nodes(), *objective.model.draft.nodes]
    return unknown(objective.context, "place", text, place.span, known)


def _is_trained(node: object) -> bool:
    return (
        isinstance(node, Layer)
        and isinstance(node.use.contract, contracts.Layer)
        and node.use.contract.trained
    )


def _listed(value: tree.Value | None) -> tuple[tree.Value, ...]:
    if value is None:
        return ()
    return value.items if isinstance(value, tree.List) else (value,)
