"""Plans that differ in numbers alone as one plan, whose numbers each net has for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from deltaplan.compiler.optimize import Update
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Map, Step, Tensor
from deltaplan.plugins.expressions import Expr, Op, argument, arguments, node, substitute
from deltaplan.records import dataclass


class DifferError(Exception):
    """Plans that differ in more than numbers."""


@dataclass(slots=True)
class Numbers:
    """The numbers in which plans differ: a row of `rows` for each, with a value for each plan."""

    rows: list[tuple[float, ...]] = field(default_factory=list)
    _known: dict[tuple[Expr, ...], Expr] = field(default_factory=dict)

    def one(self, expressions: tuple[Expr, ...]) -> Expr:
        """The expression that stands for all of them; `h0`, `h1`, … are the numbers in which they differ."""
        if expressions not in self._known:
            self._known[expressions] = self._one(expressions)
        return self._known[expressions]

    def _one(self, expressions: tuple[Expr, ...]) -> Expr:
        first = expressions[0]
        if all(e is first for e in expressions):
            return first
        if all(e.op is Op.CONST for e in expressions):
            return self._number(tuple(float(e.value or 0.0) for e in expressions))
        alike = all(e.op is first.op and len(e.args) == len(first.args) for e in expressions)
        if not alike or not first.args:
            raise DifferError
        return node(
            first.op, *(self.one(parts) for parts in zip(*(e.args for e in expressions), strict=True))
        )

    def _number(self, values: tuple[float, ...]) -> Expr:
        if values not in self.rows:
            self.rows.append(values)
        return argument(f"h{self.rows.index(values)}", scalar=True)


def is_number(tensor: Tensor) -> bool:
    """Whether a tensor is one of the numbers in which plans differ."""
    return tensor.name.startswith("hyper ") and tensor.shape == ()


def number_tensor(place: int) -> Tensor:
    return Tensor(f"hyper {place}", ())


def one_plan(plans: Sequence[Plan], numbers: Numbers) -> Plan:
    """The plan of all. DifferError where they differ in more than numbers."""
    forward = one_list([p.forward for p in plans], numbers)
    return replace(plans[0], forward=forward, backward=one_list([p.backward for p in plans], numbers))


def one_list(lists: Sequence[Sequence[Step]], numbers: Numbers) -> tuple[Step, ...]:
    if len({len(steps) for steps in lists}) > 1:
        raise DifferError
    return tuple(_one_step(steps, numbers) for steps in zip(*lists, strict=True))


def _one_step(steps: tuple[Step, ...], numbers: Numbers) -> Step:
    first = steps[0]
    if all(step == first for step in steps):
        return first
    if not all(isinstance(s, Map) and (s.inputs, s.outputs) == (first.inputs, first.outputs) for s in steps):
        raise DifferError
    maps = [s for s in steps if isinstance(s, Map)]
    expressions = [numbers.one(e) for e in zip(*(m.expressions for m in maps), strict=True)]
    return with_numbers(maps[0], expressions)


def with_numbers(step: Map, expressions: Sequence[Expr]) -> Map:
    """The map with the numbers that its new expressions name as inputs."""
    own = {f"x{i}" for i in range(len(step.inputs))}
    used = sorted({a for e in expressions for a in arguments(e)} - own, key=lambda name: int(name[1:]))
    names: Mapping[str, Expr] = {name: argument(f"x{len(step.inputs) + i}") for i, name in enumerate(used)}
    inputs = (*step.inputs, *(number_tensor(int(name[1:])) for name in used))
    return replace(step, inputs=inputs, expressions=tuple(substitute(e, names) for e in expressions))


def one_update(updates: Sequence[Update], numbers: Numbers) -> Update:
    """The update of all; scalars may then depend on the numbers, as arguments `h0`, `h1`, …"""
    first = updates[0]
    shapes = {
        (u.states, u.writes, tuple((p.begin, p.end) for p in u.parts), tuple(u.scalars)) for u in updates
    }
    if len(shapes) > 1:
        raise DifferError
    parts = []
    for position, part in enumerate(first.parts):
        step = _one_step(tuple(u.parts[position].step for u in updates), numbers)
        assert isinstance(step, Map)
        parts.append(replace(part, step=step))
    scalars = {
        tensor: numbers.one(tuple(list(u.scalars.values())[i] for u in updates))
        for i, tensor in enumerate(first.scalars)
    }
    return replace(first, parts=tuple(parts), scalars=scalars)
