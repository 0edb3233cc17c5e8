"""A contribution from its expression, checked as its kind demands: a decorator and a spec's own definition
make the same."""

from deltaplan.plugins.contracts import (
    Activation,
    Decision,
    Link,
    Loss,
    Parameter,
    Regularizer,
    Schedule,
    Target,
)
from deltaplan.plugins.expressions import Expr, argument
from deltaplan.plugins.tracing import Traced

U, W, T = argument("u"), argument("w"), argument("t", scalar=True)


def target_of(target: Target) -> Expr:
    """y of a loss: a vector like u, but the index of a class is one number."""
    return argument("y", scalar=target == "class")


def made_activation(traced: Traced, parameters: tuple[Parameter, ...], expression: Expr) -> Activation:
    """σ(u), elementwise. PluginError where it is none."""
    traced.check_elementwise(expression)
    traced.check_depends(expression, U)
    return Activation(traced.name, parameters, traced.doc, traced.owner, expression=expression)


def made_loss(
    traced: Traced,
    parameters: tuple[Parameter, ...],
    expression: Expr,
    target: Target = "real",
    link: Link = "identity",
    decision: Decision = "none",
    convex: bool = True,
) -> Loss:
    """L(u, y), one number a sample. PluginError where it is none."""
    traced.check_indices(expression, *([target_of(target)] if target == "class" else []))
    traced.check_depends(expression, U)
    traced.check_scalar(expression)
    return Loss(
        traced.name,
        parameters,
        traced.doc,
        traced.owner,
        expression=expression,
        target=target,
        link=link,
        decision=decision,
        convex=convex,
    )


def made_regularizer(traced: Traced, parameters: tuple[Parameter, ...], expression: Expr) -> Regularizer:
    """Ω(w), one number a block. PluginError where it is none."""
    traced.check_indices(expression)
    traced.check_depends(expression, W)
    traced.check_scalar(expression)
    return Regularizer(traced.name, parameters, traced.doc, traced.owner, expression=expression)


def made_schedule(traced: Traced, parameters: tuple[Parameter, ...], expression: Expr) -> Schedule:
    """A setting at the time t, one number. PluginError where it is none."""
    traced.check_indices(expression)
    traced.check_scalar(expression)
    return Schedule(traced.name, parameters, traced.doc, traced.owner, expression=expression)
