"""Losses, their slopes and their links in the words of their own expressions, not of the steps beneath."""

from collections.abc import Sequence

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.links import link_of
from deltaplan.compiler.nodes import Loss
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.printers.algebra import short, slope
from deltaplan.compiler.printers.formulas import Known
from deltaplan.compiler.steps import Tensor
from deltaplan.compiler.tape import adjoint_name
from deltaplan.compiler.weights import with_symbol
from deltaplan.plugins.expressions import Expr, argument, const, substitute, to_text


def known_losses(graph: Graph, plan: Plan) -> dict[Tensor, Known]:
    """Each loss as it is defined, and the adjoint of each output that goes to losses alone."""
    values, made = plan.trace.values, {step.output.name: step.output for step in plan.steps}
    found: dict[Tensor, Known] = {}
    for loss in graph.of(Loss):
        u, y = (values[name] for name in graph.inputs_of(loss.name))
        found[values[loss.name]] = Known(
            to_text(short(loss.factor * _written(loss, u, y))), (u, y), loss.name
        )
    for name, u in plan.trace.outputs.items():
        losses = [node for user in graph.users_of(name) if isinstance(node := graph[user], Loss)]
        adjoint = made.get(adjoint_name(u.name))
        if adjoint is not None and losses and len(losses) == len(graph.users_of(name)):
            found[adjoint] = _adjoint(graph, plan, u, losses)
    return found


def known_links(graph: Graph, plan: Plan) -> dict[Tensor, Known]:
    """What `predict` gives for each output: u itself, sigmoid(u) or softmax(u)."""
    outputs = plan.trace.outputs.items()
    links = {name: link_of(graph, name) for name, _ in outputs}
    return {
        value: Known(u.name if links[name] == "identity" else f"{links[name]}({u.name})", (u,), name)
        for (name, u), value in zip(outputs, plan.kept, strict=True)
    }


def _adjoint(graph: Graph, plan: Plan, u: Tensor, losses: Sequence[Loss]) -> Known:
    """∂L/∂u = scale · Σ ∂(loss)/∂u"""
    targets = [plan.trace.values[graph.inputs_of(loss.name)[1]] for loss in losses]
    total = const(0.0)
    for loss, y in zip(losses, targets, strict=True):
        total = total + loss.factor * slope(_written(loss, u, y), u.name, u.size)
    scale = plan.trace.scale
    text = to_text(short(argument(scale.name) * total, first=(scale.name,)))
    return Known(f"∂L/∂{u.name} = {text}", (scale, u, *targets), losses[0].name)


def _written(loss: Loss, u: Tensor, y: Tensor) -> Expr:
    """The loss without its factor, of the tensors by their names; the weight of a class is a symbol."""
    names = {"u": argument(u.name), "y": argument(y.name, y.kind == "index")}
    written = substitute(loss.expression, names)
    return with_symbol(loss, written, y.name, u.size)
