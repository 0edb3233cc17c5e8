"""The derivative of a map: a map of the partial derivatives, then a sum over what was broadcast."""

from collections.abc import Sequence
from functools import cache

from deltaplan.compiler.steps import Map, Tensor
from deltaplan.compiler.tape import Tape, adjoint_name, same_axes
from deltaplan.plugins.expressions import Expr, Op, argument, arguments, gradient, replace, substitute


def map_adjoints(
    tape: Tape, step: Map, adjoints: Sequence[Tensor | None], active: frozenset[Tensor]
) -> list[Tensor | None]:
    """x̄ᵢ = Σ_k ȳ_k ∂f_k/∂xᵢ, then summed over the axes along which xᵢ was broadcast."""
    results: list[Tensor | None] = []
    for position, tensor in enumerate(step.inputs):
        if tensor not in active:
            results.append(None)
            continue
        parts = [
            part
            for output, expression, adjoint in zip(step.outputs, step.expressions, adjoints, strict=True)
            if adjoint is not None
            and (part := _partial(tape, step, position, output, expression, adjoint)) is not None
        ]
        results.append(tape.sum(tensor, parts) if len(parts) > 1 else parts[0] if parts else None)
    return results


def _partial(
    tape: Tape, step: Map, position: int, output: Tensor, expression: Expr, adjoint: Tensor
) -> Tensor | None:
    slope = _vjp(expression, f"x{position}")
    if slope.op is Op.CONST and slope.value == 0:
        return None
    tensor = step.inputs[position]
    if slope.op is Op.ARG and slope.name == "g" and same_axes(adjoint, output):
        return tape.sum_to(adjoint, tensor)
    slope = replace(slope, {expression: argument("y")}) if expression.args else slope
    return tape.sum_to(_slope_step(tape, step, output, slope, adjoint, tensor), tensor)


def _slope_step(
    tape: Tape, step: Map, output: Tensor, slope: Expr, adjoint: Tensor, tensor: Tensor
) -> Tensor:
    """Writes the map of ȳ · ∂f/∂x, over those of g (ȳ), y and the forward inputs that it needs."""
    known = {"g": adjoint, "y": output} | {f"x{i}": t for i, t in enumerate(step.inputs)}
    used = arguments(slope)
    inputs = tuple(dict.fromkeys(known[name] for name in used))
    renamed = {name: argument(f"x{inputs.index(known[name])}") for name in used}
    name = tape.fresh(adjoint_name(tensor.name)) if tensor.name[0] == "v" else tape.temporary()
    out = Tensor(name, output.shape, output.batched)
    return tape.emit(
        Map(
            inputs=inputs,
            outputs=(out,),
            expressions=(substitute(slope, renamed),),
            origin=tape.origin,
            formula=_slope_formula(step, inputs, adjoint),
        )
    )


def _slope_formula(step: Map, inputs: Sequence[Tensor], adjoint: Tensor) -> str:
    """`δ ⊙ σ'(v)` for the slope of a function σ of one argument."""
    if not step.formula.endswith("({0})") or adjoint not in inputs:
        return ""
    function = step.formula.removesuffix("({0})")
    if step.inputs[0] not in inputs and step.outputs[0] not in inputs:
        return ""
    return f"{{{inputs.index(adjoint)}}} ⊙ {function}'({step.inputs[0]})"


@cache
def _vjp(expression: Expr, name: str) -> Expr:
    return gradient(expression, (name,), argument("g"))[0]
