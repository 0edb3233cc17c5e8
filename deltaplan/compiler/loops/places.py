"""Where what a plan does not make lies: θ, gradient, direction, data."""

from collections.abc import Container

from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.plans import Plan
from deltaplan.compiler.steps import Tensor


def external_of(
    plan: Plan, scale: int = 0, nets: int = 0, names: Container[str] | None = None
) -> dict[Tensor, Spot]:
    """Where the tensors of a plan lie that are no results: θ, gradient, direction, data; `scale` is the place
    of its factor among those of other programs. Vectors of several nets are [size, nets]. With `names` only
    of θ, gradient and direction what is named."""
    trace, parts = plan.trace, plan.parts
    if names is not None:
        parts = tuple([part for part in parts if part.tensor.name in names])
    found = {part.tensor: Spot(part.vector, part.offset * max(nets, 1)) for part in parts}
    found |= {tensor: Spot(f"in {name}", 0) for name, tensor in trace.inputs.items()}
    found |= {tensor: Spot(f"in target {name}", 0) for name, tensor in trace.targets.items()}
    found[trace.scale], found[trace.count] = Spot("scale", scale), Spot("count", scale)
    return found
