"""Programs of plain loops over one sample: `program` for readers, with every number of memory counted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.buffers import FreeList, aliases
from deltaplan.compiler.loops.calls import Call, Spot
from deltaplan.compiler.loops.groups import Group, Joins, group, hide, is_product
from deltaplan.compiler.loops.nest import Kernel
from deltaplan.compiler.loops.program import Made, Program
from deltaplan.compiler.loops.schedule import plain, plain_sparse, plain_windows, rows, vectors
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.schedule.signature import COUNTER, SAMPLES, Names, signature
from deltaplan.compiler.loops.schedule.tables import rows_of, table_of
from deltaplan.compiler.loops.starts import narrowed, started
from deltaplan.compiler.steps import Conv, Map, Pool, Sparse, Step, Tensor

ONE = Axes(1, Machine(1, 16), accumulate=True)


class RowByRow(Joins):
    """A product and the maps behind it that take its rows one at a time, a convolution or a pool and those
    that take its numbers so; passes over one vector."""

    def samples(self, group: Group, step: Step) -> bool:
        first = group.steps[0]
        if isinstance(first, Conv | Pool | Sparse):
            return plain_windows.may_follow(first, step) or plain_sparse.may_follow(first, step)
        begins = is_product(first) or (isinstance(first, Map) and rows.is_rowwise(first))
        return begins and isinstance(step, Map) and rows.may_follow(group, step)

    def sums(self, group: Group, step: Step) -> bool:
        return False

    def flat(self, group: Group, step: Step) -> bool:
        return vectors.may_follow(group, step)


def plain_program(
    steps: Sequence[Step],
    external: Mapping[Tensor, Spot],
    kept: Collection[Tensor],
    made: Made,
    given: Collection[Tensor] = (),
) -> Program:
    """The program of a list of steps on one sample; sums over the samples are added to what is there.

    `external` tells where the tensors lie that live outside the arena; those `given` lie in it from the
    beginning, those `kept` to the end.
    """
    alias = aliases(steps)
    wanted = {alias.get(t.name, t).name for t in kept} | {t.name for t in external}
    steps = _needed(steps, wanted, alias)
    produced = {t.name for step in steps for t in step.outputs}
    late = [t for t, spot in external.items() if spot.space == "g" and t.name not in produced]
    joins = RowByRow()
    groups = group(steps, True, joins, late, alias)
    hide(groups, wanted, alias, joins)
    groups = [started(found) if found.kind == "samples" else found for found in groups]
    spots = {t.name: spot for t, spot in external.items()}
    spots |= {SAMPLES.name: Spot("samples", 0), COUNTER.name: Spot("counter", 0)}
    tables = {table_of(step).name: rows_of(step) for step in steps if isinstance(step, Sparse)}
    spots |= {name: Spot(table.name, 0) for name, table in tables.items()}
    calls, arena = _calls(groups, spots, wanted, alias, made, given)
    return Program(tuple(calls), spots, arena, 0, ONE, tuple(dict.fromkeys(tables.values())))


def _needed(steps: Sequence[Step], wanted: Collection[str], alias: Mapping[str, Tensor]) -> list[Step]:
    """The steps without results that nothing reads, and maps without inputs that they do not read."""
    needed, kept = set(wanted), []
    for step in reversed(steps):
        numbers = [i for i, t in enumerate(step.outputs) if alias.get(t.name, t).name in needed]
        if not numbers:
            continue
        if isinstance(step, Map):
            outputs = tuple(step.outputs[i] for i in numbers)
            expressions = tuple(step.expressions[i] for i in numbers)
            step = narrowed(replace(step, outputs=outputs), expressions)
        needed.update(alias.get(t.name, t).name for t in step.inputs)
        kept.append(step)
    return kept[::-1]


def _calls(
    groups: Sequence[Group],
    spots: dict[str, Spot],
    wanted: Collection[str],
    alias: Mapping[str, Tensor],
    made: Made,
    given: Collection[Tensor],
) -> tuple[list[Call], int]:
    """The calls of the groups; `spots` is filled with the places of what lies in the arena."""
    free, last = FreeList(), _last_uses(groups, alias)
    own: dict[str, Tensor] = {}

    def place(tensor: Tensor) -> None:
        if tensor.name not in spots:
            spots[tensor.name] = Spot("arena", free.take(tensor.size))
            own[tensor.name] = tensor

    for tensor in given:
        place(tensor)
    calls = []
    for number, found in enumerate(groups):
        for tensor in found.written:
            if tensor.name not in found.inside:
                place(tensor)
        kernel, tensors = kernel_of(found, alias, made)
        names = tuple(t.name for t in tensors)
        calls.append(Call(kernel, tuple(spots[name] for name in names), names))
        dying = [t for t in own.values() if last.get(t.name, -1) <= number and t.name not in wanted]
        for tensor in dying:
            free.give(spots[tensor.name].offset, tensor.size)
            del own[tensor.name]
    return calls, free.end


def _last_uses(groups: Sequence[Group], alias: Mapping[str, Tensor]) -> dict[str, int]:
    return {
        alias.get(t.name, t).name: number
        for number, group in enumerate(groups)
        for step in group.steps
        for t in (*step.outputs, *step.inputs)
    }


def kernel_of(group: Group, alias: Mapping[str, Tensor], made: Made) -> tuple[Kernel, tuple[Tensor, ...]]:
    """The kernel of a group, made or found, and the tensors that it is called with."""
    found, tensors = signature(group, ONE, alias)
    key = (ONE, "plain", found)
    if key not in made:
        names = Names(group, ONE, alias)
        body = plain.statements(group, ONE, names)
        used = names.used
        title = ", ".join(dict.fromkeys(step.origin for step in group.steps))
        kernel = Kernel(f"{group.kind}{len(made)}", tuple(b for _, b in used), body, title)
        made[key] = kernel, tuple(number for number, _ in used)
    kernel, numbers = made[key]
    return kernel, tuple(tensors[number] for number in numbers)
