"""A plan as passes over the samples, one sample at a time: what one of them needs of all others is summed up
in an earlier pass.

Where samples do not depend on each other there is one pass. A sum over the samples that a layer needs, as for
the mean of a batch, ends a pass; the next one goes through what it needs of each sample again, so nothing is
kept for each sample.
"""

from collections.abc import Collection, Mapping, Sequence

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.loops.groups import kind_of
from deltaplan.compiler.steps import Reduce, Step, Tensor, View
from deltaplan.records import dataclass

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Passes:
    """The steps of each pass, and what stands `between` them: before the first, then after each. `common` are
    the results of what stands between that are read elsewhere, `sums` those of passes."""

    samples: tuple[Steps, ...]
    between: tuple[Steps, ...]
    common: tuple[Tensor, ...]
    sums: tuple[Tensor, ...]


def passes_of(steps: Sequence[Step], late: Collection[Tensor], wanted: Collection[Tensor]) -> Passes:
    """The passes of the steps of a plan. `late` are leaves that are whole after the last pass, `wanted` is
    read behind it."""
    alias = aliases(steps)
    own = [step for step in steps if not isinstance(step, View)]
    views = {step.output.name: step for step in steps if isinstance(step, View)}
    levels = _levels(own, {t.name for t in late}, alias)
    sums = [step for step in own if kind_of(step) == "sums"]
    assert not any(isinstance(s, Reduce) and s.kind == "max" for s in sums), (
        "sums alone are taken over samples"
    )
    count = 1 + max((levels[step.outputs[0].name] for step in sums), default=0)
    samples = [_pass(own, [s for s in sums if levels[s.outputs[0].name] == n], alias) for n in range(count)]
    between: list[list[Step]] = [[] for _ in range(count + 1)]
    for step in own:
        if kind_of(step) == "flat":
            between[min(levels[step.outputs[0].name], count)].append(step)
    parts = [*between, *samples]
    known = [t for part in parts for s in part for t in s.outputs if not t.batched]
    return Passes(
        samples=tuple(_with_views(part, views) for part in samples),
        between=tuple(_with_views(part, views) for part in between),
        common=_common(between, samples, wanted, alias),
        sums=tuple(t for t in dict.fromkeys(known) if any(t in s.outputs for s in sums)),
    )


def _levels(steps: Sequence[Step], late: Collection[str], alias: Mapping[str, Tensor]) -> dict[str, int]:
    """How many passes must be over before a tensor can be worked out; for a sum, before it can be begun."""
    needed: dict[str, int] = {}  # before a tensor can be read
    found: dict[str, int] = {}
    last = len(steps)
    for step in steps:
        names = [alias.get(t.name, t).name for t in step.inputs]
        level = max((last if name in late else needed.get(name, 0) for name in names), default=0)
        summed = kind_of(step) == "sums"
        for tensor in step.outputs:
            found[tensor.name] = level
            needed[tensor.name] = level + 1 if summed else level
    return found


def _pass(steps: Sequence[Step], sums: Sequence[Step], alias: Mapping[str, Tensor]) -> list[Step]:
    """What some sums need of each sample, and the sums."""
    needed = {alias.get(t.name, t).name for step in sums for t in step.inputs}
    found = []
    for step in reversed(steps):
        if step in sums:
            found.append(step)
        elif kind_of(step) == "samples" and needed & {t.name for t in step.outputs}:
            found.append(step)
            needed |= {alias.get(t.name, t).name for t in step.inputs}
    return found[::-1]


def _common(
    between: Sequence[Sequence[Step]],
    samples: Sequence[Sequence[Step]],
    wanted: Collection[Tensor],
    alias: Mapping[str, Tensor],
) -> tuple[Tensor, ...]:
    """What is made between passes and read in another part, or behind all of them."""
    behind = {alias.get(t.name, t).name for t in wanted}
    readers = [{alias.get(t.name, t).name for s in part for t in s.inputs} for part in (*between, *samples)]
    readers[len(between) - 1] |= behind
    return tuple(
        tensor
        for number, part in enumerate(between)
        for step in part
        for tensor in step.outputs
        if any(tensor.name in names for n, names in enumerate(readers) if n != number)
    )


def _with_views(steps: Sequence[Step], views: Mapping[str, View]) -> Steps:
    """The steps with the views that they read."""
    found: list[Step] = []
    there: set[str] = set()

    def show(tensor: Tensor) -> None:
        view = views.get(tensor.name)
        if view is not None and tensor.name not in there:
            there.add(tensor.name)
            show(view.inputs[0])
            found.append(view)

    for step in steps:
        for tensor in step.inputs:
            show(tensor)
        found.append(step)
    return tuple(found)
