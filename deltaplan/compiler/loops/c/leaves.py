"""Where the tensors of a plan lie that are no results, for one sample at a time."""

from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Tensor


def leaves_of(plan: Plan) -> dict[Tensor, Spot]:
    """θ with what lies behind it, the gradient, inputs and targets by their nodes, the factor of
    the loss and the number of samples."""
    trace = plan.trace
    found = {part.tensor: Spot(part.vector, part.offset) for part in plan.parts}
    found |= {tensor: Spot(f"in {name}", 0) for name, tensor in trace.inputs.items()}
    found |= {tensor: Spot(f"in target {name}", 0) for name, tensor in trace.targets.items()}
    found[trace.scale], found[trace.count] = Spot("scale", 0), Spot("count", 0)
    return found
