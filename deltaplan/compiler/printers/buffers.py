"""Where the tensors of a plan lie in memory, as a table."""

from collections.abc import Iterator

from deltaplan.compiler.costs import ITEMSIZE, arena_of, outside
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.printers.lines import show_tensor
from deltaplan.compiler.steps import Tensor, View, numbers


def buffer_table(plan: Plan, batch: int, precision: str) -> Iterator[str]:
    """One line for each tensor: shape, bytes, where it begins, the steps that write and last read it."""
    itemsize = ITEMSIZE[precision]
    arena = arena_of(plan, batch, itemsize)
    yield f"buffers     of training on {batch:,} samples in {precision}: {arena.bytes:,} bytes"
    yield ""
    yield f"  {'tensor':<28}{'shape':>14}{'bytes':>11}{'from byte':>14}{'step':>11}"
    for tensor, place in outside(plan):
        size = numbers(tensor, batch) * _bytes(tensor, itemsize)
        yield _line(tensor, size, place, "")
    for slot in arena.slots.values():
        last = "end" if slot.last >= len(plan.steps) else str(slot.last + 1)
        yield _line(slot.tensor, slot.bytes, f"{slot.offset:,}", f"{slot.first + 1}-{last}")
    for step in plan.steps:
        if isinstance(step, View):
            yield _line(step.output, 0, f"= {arena.root(step.output)}", "")


def _bytes(tensor: Tensor, itemsize: int) -> int:
    return 8 if tensor.kind == "index" else itemsize


def _line(tensor: Tensor, size: int, place: str, steps: str) -> str:
    return f"  {tensor.name:<28}{show_tensor(tensor):>14}{size:>11,}{place:>14}{steps:>11}".rstrip()
