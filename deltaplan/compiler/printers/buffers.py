"""Where the tensors of a plan lie in memory, as a table."""

from collections.abc import Iterator

from deltaplan.compiler.buffers import Arena, layout
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.printers.lines import show_tensor
from deltaplan.compiler.steps import Tensor, View, numbers

ITEMSIZE = {"float32": 4, "float64": 8}


def arena_of(plan: Plan, batch: int, itemsize: int) -> Arena:
    """The memory of a plan's own tensors: data, θ and the gradient lie outside."""
    return layout(plan.steps, [t for t, _ in _outside(plan)], plan.kept, batch, itemsize)


def buffer_table(plan: Plan, batch: int, precision: str) -> Iterator[str]:
    """One line for each tensor: shape, bytes, where it begins, the steps that write and last read it."""
    itemsize = ITEMSIZE[precision]
    arena = arena_of(plan, batch, itemsize)
    yield f"buffers     of training on {batch:,} samples in {precision}: {arena.bytes:,} bytes"
    yield ""
    yield f"  {'tensor':<28}{'shape':>14}{'bytes':>11}{'from byte':>14}{'step':>11}"
    for tensor, place in _outside(plan):
        size = numbers(tensor, batch) * _bytes(tensor, itemsize)
        yield _line(tensor, size, place, "")
    for slot in arena.slots.values():
        last = "end" if slot.last >= len(plan.steps) else str(slot.last + 1)
        yield _line(slot.tensor, slot.bytes, f"{slot.offset:,}", f"{slot.first + 1}-{last}")
    for step in plan.steps:
        if isinstance(step, View):
            yield _line(step.output, 0, f"= {arena.root(step.output)}", "")


def _outside(plan: Plan) -> Iterator[tuple[Tensor, str]]:
    """What lies elsewhere: the data and the scale, the parts of θ and those of the gradient g."""
    read = {tensor for step in plan.steps for tensor in step.inputs}
    for tensor in (
        *plan.trace.inputs.values(),
        *plan.trace.targets.values(),
        plan.trace.scale,
        plan.trace.count,
    ):
        if tensor in read:
            yield tensor, "data" if tensor.batched else "scalar"
    for part in plan.parts:
        yield part.tensor, f"{part.vector}[{part.offset}]"


def _bytes(tensor: Tensor, itemsize: int) -> int:
    return 8 if tensor.kind == "index" else itemsize


def _line(tensor: Tensor, size: int, place: str, steps: str) -> str:
    return f"  {tensor.name:<28}{show_tensor(tensor):>14}{size:>11,}{place:>14}{steps:>11}".rstrip()
