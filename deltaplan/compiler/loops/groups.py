"""Which steps of a plan become one kernel: work on each sample, sums over the batch, the rest."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Literal

from deltaplan.compiler.steps import Map, MatMul, Step, Tensor, View
from deltaplan.records import dataclass

Kind = Literal["samples", "sums", "flat"]


@dataclass(slots=True)
class Group:
    """Steps that one kernel carries out, in order. `samples`: each sample by itself; `sums`: over the batch;
    `flat`: nothing has a batch. `inside` are tensors that no other group reads: they need no memory."""

    kind: Kind
    steps: list[Step] = field(default_factory=list)
    inside: frozenset[str] = frozenset()

    @property
    def written(self) -> Iterable[Tensor]:
        return (t for step in self.steps for t in step.outputs)


def kind_of(step: Step) -> Kind:
    for tensor in step.outputs:
        if tensor.batched:
            return "samples"
    for tensor in step.inputs:
        if tensor.batched:
            return "sums"
    return "flat"


def group(
    steps: Sequence[Step],
    fused: bool,
    joins: "Joins",
    late: Collection[Tensor],
    alias: Mapping[str, Tensor],
    early: Collection[Tensor] = (),
) -> list[Group]:
    """The groups of a list of steps in an order in which they can be carried out. `late` are tensors that are
    whole only after every other step: the gradient; `early` are those that lie in its memory, under other
    names, and are written by the steps.

    A sum over the batch waits until the group that feeds it is closed, and what has no batch until something
    asks for it, so that neither comes between steps that belong together. Without `fused` each step is a
    group of its own.
    """
    if not fused:
        return [Group(kind_of(step), [step]) for step in steps if not isinstance(step, View)]
    return Grouping(joins, late, alias, early).all(steps)


class Joins:
    """Tells which steps may stand in one group; each way of laying out memory has its own."""

    def samples(self, group: Group, step: Step) -> bool:
        """Whether a step on samples may follow those of a group."""
        raise NotImplementedError

    def sums(self, group: Group, step: Step) -> bool:
        raise NotImplementedError

    def flat(self, group: Group, step: Step) -> bool:
        raise NotImplementedError

    def in_memory(self, group: Group, step: Step) -> bool:
        """Whether what a step gives needs memory though no other group reads it."""
        return False


class Grouping:
    """The steps so far: closed groups, the open one on samples, and what waits."""

    def __init__(
        self,
        joins: Joins,
        late: Collection[Tensor],
        alias: Mapping[str, Tensor],
        early: Collection[Tensor] = (),
    ) -> None:
        self.joins, self.alias = joins, alias
        self._early = {t.name for t in early}
        self.done: list[Group] = []
        self.open: Group | None = None
        self.waiting: list[Step] = []
        self._late = {t.name for t in late}
        self._awaited = set(self._late)

    def all(self, steps: Sequence[Step]) -> list[Group]:
        for step in steps:
            if not isinstance(step, View):
                self.take(step)
        self.close()
        self._emit(self.waiting)
        self.waiting = []
        return self.done

    def take(self, step: Step) -> None:
        kind = kind_of(step)
        if kind != "samples":
            if kind == "flat" and not self._awaits(step):
                self._before(step)
            else:
                self.waiting.append(step)
                self._awaited.update(t.name for t in step.outputs)
            return
        if self._awaits(step):
            self.close()
            self._emit(self.waiting)
            self.waiting, self._awaited = [], set(self._late)
        if self.open is None or not self.joins.samples(self.open, step):
            self.close()
            self.open = Group("samples")
        self.open.steps.append(step)

    def close(self) -> None:
        """Ends the open group; the sums that it feeds follow it."""
        if self.open is None:
            return
        self.done.append(self.open)
        self.open = None
        sums = [s for s in self.waiting if kind_of(s) == "sums"]
        self.waiting = [s for s in self.waiting if kind_of(s) != "sums"]
        self._emit(sums)

    def _awaits(self, step: Step) -> bool:
        return not self._awaited.isdisjoint([self.alias.get(t.name, t).name for t in step.inputs])

    def _before(self, step: Step) -> None:
        """A step without a batch that waits for nothing stands before the open group."""
        if self.done and self.done[-1].kind == "flat" and self._fits(self.done[-1], step):
            self.done[-1].steps.append(step)
        else:
            self.done.append(Group("flat", [step]))

    def _fits(self, group: Group, step: Step) -> bool:
        """Whether a step that is not on samples joins a group; a view of what it makes is that. A kernel may
        read before it writes where the names differ: what reads the gradient begins another one."""
        reads = not self._late.isdisjoint([t.name for t in step.inputs])
        if reads and not self._early.isdisjoint([t.name for t in group.written]):
            return False
        if group.kind == "sums":
            return self.joins.sums(group, step)
        return self.joins.flat(
            group, replace(step, inputs=tuple(self.alias.get(t.name, t) for t in step.inputs))
        )

    def _emit(self, steps: Sequence[Step]) -> None:
        last: Group | None = None
        for step in steps:
            kind = kind_of(step)
            if last is not None and last.kind == kind and self._fits(last, step):
                last.steps.append(step)
            else:
                last = Group(kind, [step])
                self.done.append(last)


def hide(groups: Sequence[Group], kept: Collection[str], alias: Mapping[str, Tensor], joins: Joins) -> None:
    """Finds for each group the tensors that only it reads."""
    reader: dict[str, int] = {}  # the number of the only group that reads a tensor
    for number, found in enumerate(groups):
        for step in found.steps:
            for tensor in step.inputs:
                name = alias.get(tensor.name, tensor).name
                if reader.setdefault(name, number) != number:
                    reader[name] = SEVERAL
    for number, found in enumerate(groups):
        own = [
            tensor.name
            for step in found.steps
            if not joins.in_memory(found, step)
            for tensor in step.outputs
            if reader.get(tensor.name, number) == number
        ]
        found.inside = frozenset(own).difference(kept)


SEVERAL = -1


def is_product(step: Step) -> bool:
    """A matrix of parameters times a vector of each sample."""
    return isinstance(step, MatMul) and step.outputs[0].batched and not step.inputs[0].batched


def is_map(step: Step) -> bool:
    return isinstance(step, Map)
