"""Where the tensors of a plan lie: one arena, reused as soon as a tensor is read for the last time."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from deltaplan.compiler.steps import Map, Step, Tensor, View, numbers
from deltaplan.records import dataclass

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one tensor: bytes from the start of the arena."""

    tensor: Tensor
    offset: int
    bytes: int
    first: int  # the step that writes it
    last: int  # the step that reads it last


@dataclass(frozen=True, slots=True)
class Arena:
    """The slots of a list of steps for one batch size, and the bytes that they need together.

    `alias` leads from a view to the tensor whose memory it shows.
    """

    slots: Mapping[str, Slot]
    alias: Mapping[str, Tensor]
    bytes: int

    def root(self, tensor: Tensor) -> Tensor:
        return self.alias.get(tensor.name, tensor)


def layout(
    steps: Sequence[Step],
    external: Collection[Tensor],
    kept: Iterable[Tensor],
    batch: int,
    itemsize: int,
    reuse: bool = True,
) -> Arena:
    """Places every tensor that the steps write, but those of `external`, which live elsewhere.

    `kept` are still read after the last step. A map may write over an input of the same size that it is the
    last to read. Without `reuse` every tensor has memory of its own, so that all can be looked at afterwards.
    """
    alias = aliases(steps)
    last = last_uses(steps, alias, kept)
    free = FreeList()
    slots: dict[str, Slot] = {}
    outside = {tensor.name for tensor in external}
    for index, step in enumerate(steps):
        if isinstance(step, View):
            continue
        dying = _dying(step, index, last, alias, slots) if reuse else []
        for tensor in step.outputs:
            if tensor.name in outside:
                continue
            size = _aligned(numbers(tensor, batch) * (8 if tensor.kind == "index" else itemsize))
            over = _overwritten(step, size, dying)
            if over is not None:
                dying.remove(over)
            offset = over.offset if over else free.take(size)
            slots[tensor.name] = Slot(tensor, offset, size, index, last.get(tensor.name, index))
        for slot in dying:
            free.give(slot.offset, slot.bytes)
        if reuse:
            for tensor in step.outputs:
                if tensor.name in slots and tensor.name not in last:
                    free.give(slots[tensor.name].offset, slots[tensor.name].bytes)
    return Arena(slots, alias, free.end)


def aliases(steps: Iterable[Step]) -> dict[str, Tensor]:
    """From the name of each view to the tensor that owns the memory."""
    found: dict[str, Tensor] = {}
    for step in steps:
        if isinstance(step, View):
            source = step.inputs[0]
            found[step.output.name] = found.get(source.name, source)
    return found


def last_uses(steps: Sequence[Step], alias: Mapping[str, Tensor], kept: Iterable[Tensor]) -> dict[str, int]:
    """The last step that reads each tensor, itself or through a view."""
    last: dict[str, int] = {}
    for index, step in enumerate(steps):
        for tensor in step.inputs:
            last[alias.get(tensor.name, tensor).name] = index
    for tensor in kept:
        last[alias.get(tensor.name, tensor).name] = len(steps)
    return last


def _dying(
    step: Step, index: int, last: Mapping[str, int], alias: Mapping[str, Tensor], slots: Mapping[str, Slot]
) -> list[Slot]:
    names = dict.fromkeys(alias.get(t.name, t).name for t in step.inputs)
    return [slots[name] for name in names if name in slots and last[name] == index]


def _overwritten(step: Step, size: int, dying: Iterable[Slot]) -> Slot | None:
    if not isinstance(step, Map):
        return None
    whole = step.outputs[0]
    return next(
        (
            slot
            for slot in dying
            if slot.bytes == size and (slot.tensor.size, slot.tensor.batched) == (whole.size, whole.batched)
        ),
        None,
    )


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


class FreeList:
    """Free ranges of the arena by offset, neighbours joined; `end` is what it has grown to."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self.end = 0

    def take(self, size: int) -> int:
        """The smallest free range that is large enough, else new memory at the end."""
        fitting = [r for r in self._ranges if r[1] >= size]
        if not fitting:
            offset, self.end = self.end, self.end + size
            return offset
        offset, length = best = min(fitting, key=lambda r: (r[1], r[0]))
        self._ranges.remove(best)
        if length > size:
            self.give(offset + size, length - size)
        return offset

    def give(self, offset: int, size: int) -> None:
        ranges = sorted([*self._ranges, (offset, size)])
        joined = [ranges[0]]
        for begin, length in ranges[1:]:
            before, held = joined[-1]
            if before + held == begin:
                joined[-1] = (before, held + length)
            else:
                joined.append((begin, length))
        self._ranges = joined
