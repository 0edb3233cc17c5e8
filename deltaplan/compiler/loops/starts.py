"""Products that begin with what would be added to them: W z + b sums up from b, and not from 0."""

from collections.abc import Mapping, Sequence
from functools import cache

from deltaplan.compiler.loops.groups import Group, is_product
from deltaplan.compiler.steps import Map, MatMul, Tensor
from deltaplan.plugins.expressions import Expr, argument, arguments, substitute
from deltaplan.plugins.expressions import replace as replace_parts
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedMatMul(MatMul):
    """A product whose third input is what it begins with: a number for each row, or a tensor of its shape."""


def started(group: Group) -> Group:
    """The group with each product begun with a summand of the map behind it, where nothing else reads it."""
    steps = list(group.steps)
    for number, step in enumerate(steps[:-1]):
        following = steps[number + 1]
        if isinstance(step, MatMul) and isinstance(following, Map) and _may_start(step, following, group):
            steps[number], steps[number + 1] = _started(step, following)
    return Group(group.kind, steps, group.inside)


def _may_start(step: MatMul, following: Map, group: Group) -> bool:
    """Whether the map adds something to the product that only it reads, once."""
    out = step.outputs[0]
    if not is_product(step) or out.name not in group.inside or following.outputs[0].shape != out.shape:
        return False
    readers = [other for other in group.steps for tensor in other.inputs if tensor.name == out.name]
    return len(readers) == 1 and readers[0] is following


def _started(step: MatMul, following: Map) -> tuple[MatMul, Map]:
    out = step.outputs[0]
    place = next(i for i, tensor in enumerate(following.inputs) if tensor.name == out.name)
    for other, tensor in enumerate(following.inputs):
        if other == place or tensor.shape != out.shape:
            continue
        shorter = _without(following.expressions, place, other)
        if shorter is not None:
            inputs = (*step.inputs, tensor)
            own = StartedMatMul(
                inputs=inputs,
                outputs=step.outputs,
                transpose_a=step.transpose_a,
                transpose_b=step.transpose_b,
                origin=step.origin,
            )
            left = narrowed(following, shorter)
            return own, left
    return step, following


@cache
def _without(expressions: tuple[Expr, ...], place: int, other: int) -> tuple[Expr, ...] | None:
    """The expressions with x_place for x_place + x_other; None where one of the two stands elsewhere too."""
    x, y = argument(f"x{place}"), argument(f"x{other}")
    mark = argument("sum")
    found = tuple(replace_parts(e, {x + y: mark, y + x: mark}) for e in expressions)
    if any({f"x{place}", f"x{other}"} & set(arguments(e)) for e in found):
        return None
    return tuple(substitute(e, {"sum": x}) for e in found)


def narrowed(step: Map, expressions: Sequence[Expr]) -> Map:
    """The map with new expressions, over what they read."""
    used = _read(tuple(expressions), len(step.inputs))
    return Map(
        inputs=tuple(step.inputs[i] for i in used),
        outputs=step.outputs,
        origin=step.origin,
        formula=step.formula,
        expressions=_renumbered(tuple(expressions), used),
    )


@cache
def _read(expressions: tuple[Expr, ...], count: int) -> tuple[int, ...]:
    """Which of so many inputs are read."""
    found = {name for e in expressions for name in arguments(e)}
    return tuple(i for i in range(count) if f"x{i}" in found)


@cache
def _renumbered(expressions: tuple[Expr, ...], used: tuple[int, ...]) -> tuple[Expr, ...]:
    names: Mapping[str, Expr] = {f"x{i}": argument(f"x{n}") for n, i in enumerate(used)}
    return tuple(substitute(e, names) for e in expressions)


def start_of(step: MatMul) -> Tensor | None:
    """What a product begins with."""
    return step.inputs[2] if isinstance(step, StartedMatMul) else None
