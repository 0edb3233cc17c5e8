"""Where a net can bend: activations with kinks, and the maximum over a window. In between it is affine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Map, Pool, Step, Tensor
from deltaplan.plugins.contracts import Unfit
from deltaplan.plugins.expressions import Expr, gradient
from deltaplan.plugins.expressions.analysis import is_piecewise_affine, kinks
from deltaplan.plugins.expressions.transform import arguments
from deltaplan.runtime.backends.numpy.bind import Bound, bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.pooling import offsets, plane
from deltaplan.runtime.lipschitz.linear import is_linear

FEWEST = 64  # points for which a plan is bound
NUMBERS = 1 << 25  # in memory, over all points

TIED = 1e-12  # of the values: so far below the largest one a number of a window counts as the largest

Crossing = tuple[Array, Array]  # t along a line, and the unit that bends there: [found] each


@dataclass(frozen=True, slots=True)
class Bend:
    """An activation with kinks: the tensor that it is applied to, its thresholds, and the node's name."""

    tensor: Tensor
    thresholds: tuple[float, ...]
    node: str

    def sides(self, values: Array) -> Iterator[Array]:
        """Numbers [units, k] that change their sign where a unit bends, for values [units, k] at points."""
        for threshold in self.thresholds:
            yield values - threshold

    def crossings(self, places: Array, values: Array) -> Iterator[Crossing]:
        """Where units bend strictly between two of the places [k], for their values there."""
        for away in self.sides(values):
            units, before, part = _sign_changes(away)
            yield _between(places, before, part), units


@dataclass(frozen=True, slots=True)
class Choice:
    """The maximum over a window, which bends where another number becomes the largest; its units are the
    places of the window."""

    step: Pool
    node: str

    @property
    def tensor(self) -> Tensor:
        return self.step.inputs[0]

    def sides(self, values: Array) -> Iterator[Array]:
        """As of `Bend`, for each pair of numbers in a window, whether or not they are its largest."""
        for one, other in combinations(self._members(values), 2):
            yield _apart(one, other)

    def crossings(self, places: Array, values: Array) -> Iterator[Crossing]:
        """As of `Bend`: where the two that meet are the largest ones."""
        members, size = self._members(values), float(np.abs(values).max(initial=0.0))
        for one, other in combinations(members, 2):
            units, before, part = _sign_changes(_apart(one, other))
            here = _between(one, before, part, units)
            largest = np.maximum.reduce([_between(m, before, part, units) for m in members])
            seen = largest - here <= TIED * size
            yield _between(places, before, part)[seen], units[seen]

    def _members(self, values: Array) -> list[Array]:
        """What the places see at each offset within the window, [units, k]; −∞ outside of the sample."""
        points = values.shape[-1]
        wide = plane(self.tensor, self.step.window, values)
        output = plane(self.step.output, self.step.window, np.zeros((self.step.output.size, points)))
        found = []
        for seen, _, reach in offsets(self.step.window, wide, output):
            member = np.full(output.shape, -np.inf)
            member[tuple(r.places for r in reach)] = seen
            found.append(member.reshape(-1, points))
        return found


def _apart(one: Array, other: Array) -> Array:
    with np.errstate(invalid="ignore"):  # two numbers outside of the sample
        return np.asarray(np.nan_to_num(one - other, nan=0.0, posinf=np.inf, neginf=-np.inf))


def _sign_changes(away: Array) -> tuple[Array, Array, Array]:
    """Of which unit, after which place, and at which part of the way to the next one."""
    units, before = np.nonzero(away[:, :-1] * away[:, 1:] < 0)
    first, last = away[units, before], away[units, before + 1]
    return units, before, np.asarray(first / (first - last))


def _between(numbers: Array, before: Array, part: Array, units: Array | None = None) -> Array:
    """Numbers [k], or of the units [units, k], at a part of the way from one place to the next."""
    first, last = (numbers[at] if units is None else numbers[units, at] for at in (before, before + 1))
    return np.asarray(first + part * (last - first) if units is None else (1 - part) * first + part * last)


class Net:
    """A plan that is not fused at fixed parameters, on any number of points; `vector` is θ with the running
    statistics behind it. The plan is bound anew only where more points come than before."""

    def __init__(self, plan: Plan, vector: Array) -> None:
        self.plan, self.vector = plan, vector
        self._bound: Bound | None = None

    @cached_property
    def bends(self) -> tuple[Bend | Choice, ...]:
        """In the order of the plan. Unfit where the net is not piecewise affine: where an activation is
        curved, or where two tensors are multiplied."""
        return tuple(bend for step in self.plan.steps for bend in bends_of(step))

    def at(self, rows: Mapping[str, Array], *tensors: Tensor) -> list[Array]:
        """What the tensors are for inputs [features, k] in the model's coordinates: [numbers, k] each."""
        count = next(iter(rows.values())).shape[-1]
        blocks = [
            self._block(
                {name: array[..., begin : begin + self._most] for name, array in rows.items()}, tensors
            )
            for begin in range(0, count, self._most)
        ]
        return [np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]

    def _block(self, rows: Mapping[str, Array], tensors: Sequence[Tensor]) -> list[Array]:
        """Of so many points as memory is for."""
        count = next(iter(rows.values())).shape[-1]
        bound = self._for(count)
        for name, array in bound.data.items():
            array[..., :count] = rows[name]
        missing = set(tensors)
        with np.errstate(all="ignore"):
            for step in bound.program.each():
                missing -= set(step.outputs)
                if not missing:
                    break
        return [bound[t].reshape(-1, bound.program.batch)[:, :count].copy() for t in tensors]

    @cached_property
    def _most(self) -> int:
        """Points at a time: every number of the net is kept."""
        numbers = sum(t.size for step in self.plan.steps for t in step.outputs)
        return max(FEWEST, NUMBERS // max(1, numbers))

    def outputs(self, rows: Mapping[str, Array]) -> Array:
        """What the model gives before the loss's link, [k, outputs]."""
        kept = self.plan.kept[: len(self.plan.trace.outputs)]
        return np.ascontiguousarray(np.concatenate(self.at(rows, *kept)).T)

    def _for(self, count: int) -> Bound:
        if self._bound is None or self._bound.program.batch < count:
            room = max(FEWEST, 1 << (count - 1).bit_length())
            self._bound = bind(self.plan, {"θ": self.vector}, room, reuse=False)
        return self._bound


def bends_of(step: Step) -> Iterator[Bend | Choice]:
    """Where a step bends; nothing where it is affine. Unfit where it is curved."""
    if not any(t.batched for t in step.inputs) or is_linear(step):
        return
    match step:
        case Map():
            for expression in step.expressions:
                yield from _map_bends(step, expression)
        case Pool(kind="max"):
            yield Choice(step, step.origin)
        case _:
            raise _curved(step, "is not piecewise affine")


def _map_bends(step: Map, expression: Expr) -> Iterator[Bend]:
    varying = {f"x{i}": t for i, t in enumerate(step.inputs) if t.batched}
    slopes = gradient(expression, tuple(varying))
    if not any(set(arguments(slope)) & set(varying) for slope in slopes):
        return
    if len(varying) > 1 or set(arguments(expression)) - set(varying):
        raise _curved(step, "multiplies what depends on the input, or compares it")
    ((name, tensor),) = varying.items()
    if not is_piecewise_affine(expression, name):
        raise _curved(step, "is curved")
    if thresholds := kinks(expression, name):
        yield Bend(tensor, thresholds, step.origin)


def _curved(step: Step, why: str) -> Unfit:
    return Unfit(
        f"finds no straight pieces: `{step.origin}` {why}, so this net is not piecewise affine",
        "relu, leaky_relu and what else is made of straight lines have kinks",
    )
