"""Regularizers of `minimize` as nodes of the graph."""

from deltaplan.compiler.build.activations import filled
from deltaplan.compiler.build.located import places_of
from deltaplan.compiler.build.terms import Objective, use_of
from deltaplan.compiler.build.undefined import check_numbers
from deltaplan.compiler.nodes import Penalty
from deltaplan.dsl import tree
from deltaplan.plugins import contracts


def add_penalty(objective: Objective, core: tree.Value, name: str, factor: float) -> None:
    use, trees = use_of(objective, "regularizer", core, name)
    assert isinstance(use.contract, contracts.Regularizer)
    expression = filled(use.contract.expression, use)
    check_numbers(objective.context, use, expression)
    draft = objective.model.draft
    places = places_of(objective, trees.get("on")) or ("weights",)
    node = Penalty(
        name=draft.name_once(f"penalty.{use.name}"),
        span=use.span,
        use=use,
        factor=factor,
        places=places,
        expression=expression,
    )
    draft.link(node)
