"""Maps and sums over one vector in one pass over memory, and what follows from the sums."""

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Accumulator, Compute, Fold, For, Load, Statement, Store
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Map, Reduce, Step, Tensor

ELEMENT = "i"


def length_of(step: Step) -> int | None:
    """The length of the vector that a step runs along; 1 for single numbers; None for other steps."""
    match step:
        case Map():
            out = step.outputs[0]
            plain = all(t.size in (1, out.size) for t in step.inputs)
            return out.size if plain else None
        case Reduce():
            (x,) = step.inputs
            return x.size if step.output.size == 1 else None
        case _:
            return None


def may_follow(group: Group, step: Step) -> bool:
    """Whether a step can be part of the pass: over the same vector, before any single number is computed, or
    a single number."""
    length, lengths = length_of(step), [length_of(s) for s in group.steps]
    if length is None or None in lengths:
        return False
    if length == 1:
        return True
    made = {t.name for s in group.steps for t in s.outputs if t.size == 1}
    return all(n == length for n in lengths) and not made & {t.name for t in step.inputs}


def vector_pass(group: Group, axes: Axes, names: Names) -> tuple[Statement, ...]:
    length = max(length_of(step) or 1 for step in group.steps)
    along = [s for s in group.steps if (length_of(s) or 1) == length and length > 1]
    single = [s for s in group.steps if s not in along]
    writer = Pass(group, axes, names)
    body: list[Statement] = []
    accumulators: list[Accumulator] = []
    for step in along:
        if isinstance(step, Reduce):
            accumulators.append(writer.sum(step, body))
        else:
            writer.map(step, body, ELEMENT)
    lanes = "lanes" if not axes.nets else "loop"
    nest: list[Statement] = []
    if along and accumulators:
        nest.append(Fold(ELEMENT, length, tuple(body), tuple(accumulators), lanes))  # type: ignore[arg-type]
    elif along:
        nest.append(For(ELEMENT, length, tuple(body), lanes))  # type: ignore[arg-type]
    for step in along:
        if isinstance(step, Reduce):
            writer.keep(step.output, nest, 0)
    writer.forget_elements()
    for step in single:
        writer.map(step, nest, 0) if isinstance(step, Map) else writer.copy(step, nest)
    return axes.each_net(tuple(nest))


class Pass:
    """The locals of a pass over a vector."""

    def __init__(self, group: Group, axes: Axes, names: Names) -> None:
        self.group, self.axes, self.names = group, axes, names
        self._locals: dict[str, str] = {}
        self._elements: set[str] = set()
        self._count = 0

    def map(self, step: Step, body: list[Statement], place: str | int) -> None:
        assert isinstance(step, Map)
        inputs = tuple(self.local(t, body, place) for t in step.inputs)
        outputs = tuple(self._fresh() for _ in step.outputs)
        body.append(Compute(outputs, step.expressions, inputs))
        for tensor, name in zip(step.outputs, outputs, strict=True):
            self._locals[tensor.name] = name
            if place == ELEMENT:
                self._elements.add(tensor.name)
            self.keep(tensor, body, place)

    def sum(self, step: Reduce, body: list[Statement]) -> Accumulator:
        name = self._fresh()
        accumulator = Accumulator(name, (self.local(step.inputs[0], body, ELEMENT),), step.kind)
        self._locals[step.output.name] = name
        return accumulator

    def copy(self, step: Step, body: list[Statement]) -> None:
        """A sum over a single number."""
        self._locals[step.output.name] = self.local(step.inputs[0], body, 0)
        self.keep(step.output, body, 0)

    def local(self, tensor: Tensor, body: list[Statement], place: str | int) -> str:
        root = self.names.root(tensor)
        if root.name not in self._locals:
            name = self._fresh()
            at = place if root.size > 1 else 0
            body.append(Load(name, self.names.buffer(root), self.axes.index(root, at)))
            self._locals[root.name] = name
            if place == ELEMENT:
                self._elements.add(root.name)
        return self._locals[root.name]

    def keep(self, tensor: Tensor, body: list[Statement], place: str | int) -> None:
        if tensor.name not in self.group.inside:
            name = self._locals[tensor.name]
            body.append(Store(self.names.buffer(tensor), self.axes.index(tensor, place), name))

    def forget_elements(self) -> None:
        """Behind the loop what was loaded in it is no local any more, single numbers among it."""
        for name in self._elements:
            del self._locals[name]

    def _fresh(self) -> str:
        self._count += 1
        return f"t{self._count}"
