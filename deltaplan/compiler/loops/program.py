"""A plan as kernels, and the calls of them: which kernel, on which memory, in which order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import chain
from operator import attrgetter

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.loops.calls import Call, Spot, firsts
from deltaplan.compiler.loops.groups import Group, Joins, group, hide, is_product
from deltaplan.compiler.loops.nest import Arithmetic, Buffer, Kernel, Statement, Store, Transpose, statements
from deltaplan.compiler.loops.schedule import (
    NoScheduleError,
    convolve,
    few,
    flat,
    pooling,
    rows,
    samples,
    sums,
    tiles,
    vectors,
    wide,
)
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.signature import COUNTER, SAMPLES, Names, signature
from deltaplan.compiler.loops.schedule.tables import Table, table_of
from deltaplan.compiler.loops.starts import started
from deltaplan.compiler.steps import Conv, Map, Pool, Sparse, Step, Tensor, Unpool, host_functions
from deltaplan.records import dataclass

NARROW = 16  # features that are locals, each by itself
ALIGNMENT = 64  # bytes


Made = dict[tuple[object, ...], tuple[Kernel, tuple[int, ...]]]  # kernels by what makes them the same


class Told(Made):
    """The same, where somebody is told of each kernel as soon as there is one."""

    def __init__(self, tell: Callable[[Kernel], object]) -> None:
        super().__init__()
        self._tell = tell

    def __setitem__(self, key: tuple[object, ...], made: tuple[Kernel, tuple[int, ...]]) -> None:
        super().__setitem__(key, made)
        self._tell(made[0])


@dataclass(frozen=True, slots=True)
class Program:
    """The calls that carry out a list of steps. `spots` has every tensor that lies in memory, `arena` and
    `scratch` are the numbers that they need there; each of `tables` is a space by its name."""

    calls: Sequence[Call]
    spots: Mapping[str, Spot]
    arena: int
    scratch: int
    axes: Axes
    tables: tuple[Table, ...] = ()

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The distinct kernels."""
        return tuple({call.kernel.name: call.kernel for call in firsts(self.calls)}.values())

    @property
    def spaces(self) -> tuple[str, ...]:
        """The memory that it works on, by name."""
        spots = chain.from_iterable(map(attrgetter("spots"), firsts(self.calls)))
        return tuple(dict.fromkeys(map(attrgetter("space"), spots)))


class Fitting(Joins):
    """What one kernel may hold: few features as locals, or rows of a wide layer one block after the other."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes

    def samples(self, group: Group, step: Step) -> bool:
        if is_product(step):
            return False
        if isinstance(group.steps[0], Conv):
            return tiles.may_follow(group.steps[0], step)
        if isinstance(group.steps[0], Pool | Unpool):
            return pooling.may_follow(group.steps[0], step)
        if is_narrow(group):
            return _is_narrow(step) and len(group.steps) < 64
        return isinstance(step, Map) and rows.may_follow(group, step)

    def sums(self, group: Group, step: Step) -> bool:
        if not sums.is_small(step) or not all(map(sums.is_small, group.steps)):
            return False
        return step.inputs[0] in {t for s in group.steps for t in s.inputs}

    def flat(self, group: Group, step: Step) -> bool:
        return vectors.may_follow(group, step)


def is_narrow(group: Group) -> bool:
    return all(map(_is_narrow, group.steps))


def _is_narrow(step: Step) -> bool:
    """Whether all features of a step's results are locals, and its operands few or read in a loop."""
    if _most(step.outputs) > NARROW or not samples.is_written_out(step):
        return False
    return is_product(step) or _most(step.inputs) <= 4 * NARROW


def _most(tensors: tuple[Tensor, ...]) -> int:
    """The numbers of the largest of some tensors."""
    return max([tensor.size for tensor in tensors], default=0)


@dataclass
class Kernels:
    """The kernels made so far, by what makes two of them the same, and their names."""

    alias: Mapping[str, Tensor]
    axes: Axes
    made: Made
    starts: bool  # whether products begin with what is added to them
    arithmetic: Arithmetic
    here: Made = field(default_factory=dict)  # those of these axes

    def of(self, group: Group) -> tuple[Kernel, tuple[Tensor, ...]]:
        """The kernel of a group, and the tensors that it is called with.

        It is asked for each group of a plan, and works out once what follows from what groups have in common.
        """
        found, tensors = signature(group, self.axes, self.alias)
        if found not in self.here:
            kernel, called = self._made(group)
            places = {tensor.name: number for number, tensor in enumerate(tensors)}
            self.here[found] = kernel, tuple(places[tensor.name] for tensor in called)
        kernel, numbers = self.here[found]
        return kernel, tuple([tensors[number] for number in numbers])

    def _made(self, group: Group) -> tuple[Kernel, tuple[Tensor, ...]]:
        if self.starts and group.kind == "samples":
            group = started(group)
        found, tensors = signature(group, self.axes, self.alias)
        key = (self.arithmetic, self._axes(group, self.axes), found)
        if key not in self.made:
            names = Names(group, self.axes, self.alias)
            body = _scheduled(group, self.axes, names)
            used = names.used
            scratch = _scratch(body)
            parameters = (*(b for _, b in used), *([scratch] if scratch else []))
            title = _title(group)
            kernel = Kernel(f"{group.kind}{len(self.made)}", parameters, body, title, self.arithmetic)
            self.made[key] = kernel, tuple(number for number, _ in used)
        kernel, numbers = self.made[key]
        return kernel, tuple(tensors[number] for number in numbers)

    def _axes(self, group: Group, axes: Axes) -> Axes:
        """The axes that a kernel depends on: only sums over samples are added to what is there."""
        if group.kind == "sums" or not axes.accumulate:
            return axes
        return replace(axes, accumulate=False)


def _scheduled(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    for step in group.steps:
        for name in host_functions(step):
            raise NoScheduleError(f"the numpy function `{name}`")
    try:
        return _body(group, axes, names)
    except (KeyError, NotImplementedError) as error:
        raise NoScheduleError(_title(group)) from error


def _body(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    match group.kind:
        case "flat":
            return flat.statements(group, axes, names)
        case "sums" if axes.by_features:
            return few.sums_nest(group, axes, names)
        case "samples" if axes.by_features:
            return few.samples_nest(group, axes, names)
        case "sums":
            return sums.statements(group, axes, names)
        case "samples":
            return _on_samples(group, axes, names)


def _on_samples(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    (first, *more) = group.steps
    if is_narrow(group):
        return samples.statements(group, axes, names)
    if isinstance(first, Conv):
        return convolve.statements(group, axes, names)
    if isinstance(first, Pool | Unpool):
        return pooling.statements(group, axes, names)
    if is_product(first) or more or (isinstance(first, Map) and rows.is_rowwise(first)):
        return rows.statements(group, axes, names)
    return wide.step_nest(first, axes, names)


def _scratch(body: Sequence[Statement]) -> Buffer | None:
    """The scratch memory that is written."""
    found = (
        s.target if isinstance(s, Transpose) else s.buffer
        for s in statements(tuple(body))
        if isinstance(s, Transpose | Store)
    )
    return next((buffer for buffer in found if buffer.name == "scratch"), None)


def _title(group: Group) -> str:
    kinds = [type(step).__name__.removeprefix("Started").lower() for step in group.steps]
    words = (f"{kind} {step.origin}".strip() for kind, step in zip(kinds, group.steps, strict=True))
    return ", ".join(dict.fromkeys(words))


def program(
    steps: Sequence[Step],
    external: Mapping[Tensor, Spot],
    kept: Sequence[Tensor],
    axes: Axes,
    made: Made,
    fused: bool = True,
    reuse: bool = True,
    redzone: int = 0,
    joins: Joins | None = None,
    arithmetic: Arithmetic = "own",
) -> Program:
    """The program of a list of steps. `external` tells where the tensors lie that live outside the arena;
    `kept` are read after the last call. Without `fused` each step is a kernel of its own; without `reuse`
    every tensor has memory of its own, and all are written; a `redzone` of so many numbers, which no kernel
    touches, lies behind each. `made` collects kernels over several programs; `joins` tells which steps may
    stand in one, where not as usual; see `Kernel` for `arithmetic`.
    """
    alias = aliases(steps)
    wanted = {alias.get(t.name, t).name for t in kept} | {t.name for t in external}
    if reuse:
        steps = read_later(steps, wanted, alias)
    produced = {t.name for step in steps for t in step.outputs}
    late = [t for t, spot in external.items() if spot.space == "g" and t.name not in produced]
    joins = joins or (few.FewJoins(alias) if axes.by_features else Fitting(axes))
    early = [t for t, spot in external.items() if spot.space == "g" and t.name in produced]
    groups = group(steps, fused, joins, late, alias, early)
    if reuse:
        hide(groups, wanted, alias, joins)
    kernels = Kernels(alias, axes, made, starts=reuse, arithmetic=arithmetic)
    outside = {t.name: spot for t, spot in external.items()}
    outside |= {SAMPLES.name: Spot("samples", 0), COUNTER.name: Spot("counter", 0)}
    outside |= {name: Spot(name, 0) for name in (table_of(s).name for s in steps if isinstance(s, Sparse))}
    calls, spots, arena = Placing(groups, kernels, outside, wanted, axes, reuse, redzone).all()
    distinct = {call.kernel.name: call.kernel for call in calls}.values()
    scratch = max(
        (b.strides[0] * b.shape[0] for kernel in distinct for b in kernel.parameters if b.name == "scratch"),
        default=0,
    )
    tables = dict.fromkeys(table_of(step) for step in steps if isinstance(step, Sparse))
    return Program(tuple(calls), spots, arena, scratch, axes, tuple(tables))


def tables_of(programs: Iterable[Program]) -> tuple[Table, ...]:
    """The tables of several programs, each once."""
    return tuple(dict.fromkeys(table for program in programs for table in program.tables))


def read_later(steps: Sequence[Step], wanted: set[str], alias: Mapping[str, Tensor]) -> list[Step]:
    """The steps without those that nothing reads: Ω = 0 where the objective is the loss."""
    needed, found = set(wanted), list[Step]()
    for step in reversed(steps):
        if not needed.isdisjoint(_with_roots(step.outputs, alias)):
            needed.update(_with_roots(step.inputs, alias))
            found.append(step)
    return found[::-1]


def _with_roots(tensors: Sequence[Tensor], alias: Mapping[str, Tensor]) -> list[str]:
    """The names of tensors, and of what owns the memory of those that are views."""
    names = [t.name for t in tensors]
    return names + [alias[name].name for name in names if name in alias] if alias else names


class Placing:
    """Gives every tensor that needs memory a place in the arena while its groups are called in order."""

    def __init__(
        self,
        groups: Sequence[Group],
        kernels: Kernels,
        outside: Mapping[str, Spot],
        wanted: set[str],
        axes: Axes,
        reuse: bool,
        redzone: int,
    ) -> None:
        self.groups, self.kernels, self.axes, self.redzone = groups, kernels, axes, redzone
        self.spots: dict[str, Spot] = dict(outside)
        self._dying = self._last_reads(wanted) if reuse else {}
        self._free: dict[int, list[int]] = {}
        self._lengths: dict[str, int] = {}  # of what lies in the arena
        self._end = 0

    def _last_reads(self, wanted: set[str]) -> dict[int, list[str]]:
        """For each group what no later one works on, and nobody behind them."""
        alias = self.kernels.alias
        last: dict[str, int] = {}
        for number, each in enumerate(self.groups):
            for step in each.steps:
                for tensor in step.outputs + step.inputs:
                    last[alias.get(tensor.name, tensor).name] = number
        found: dict[int, list[str]] = {}
        for name, number in last.items():
            if name not in wanted:
                found.setdefault(number, []).append(name)
        return found

    def all(self) -> tuple[list[Call], dict[str, Spot], int]:
        calls = []
        for number, found in enumerate(self.groups):
            for step in found.steps:
                for tensor in step.outputs:
                    if tensor.name not in found.inside:
                        self._place(tensor)
            kernel, tensors = self.kernels.of(found)
            for tensor in tensors:  # a map by itself writes all its outputs, those that nothing reads too
                if tensor.name in found.inside:
                    self._place(tensor)
            names = [t.name for t in tensors]
            spots = [self.spots[name] for name in names]
            if len(kernel.parameters) > len(names):
                names.append("scratch")
                spots.append(Spot("scratch", 0))
            calls.append(Call(kernel, tuple(spots), tuple(names)))
            for name in self._dying.get(number, ()):
                if name in self._lengths:
                    self._free.setdefault(self._lengths[name], []).append(self.spots[name].offset)
        return calls, self.spots, self._end

    def _place(self, tensor: Tensor) -> None:
        """Gives a tensor that has no memory yet some of the arena: whole lines, as long as it is."""
        if tensor.name in self.spots:
            return
        each = max(self.axes.machine.lanes, 8)
        length = -(-(self.axes.numbers(tensor) + self.redzone) // each) * each
        self._lengths[tensor.name] = length
        self.spots[tensor.name] = Spot("arena", self._take(length))

    def _take(self, length: int) -> int:
        free = self._free.get(length)
        if free:
            return free.pop()
        offset, self._end = self._end, self._end + length
        return offset
