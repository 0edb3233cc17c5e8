"""The derived gradient against central differences of the objective, block by block, in float64.

Where a kink lies between the two points of a difference, the difference says nothing about the gradient: such
numbers are left out and counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.lower import Trace, lower
from deltaplan.compiler.parameters import Parameter
from deltaplan.compiler.plan import gradient_plan
from deltaplan.compiler.steps import ArgMax, Map, Pool, Step, Tensor
from deltaplan.plugins.expressions import Expr, Op, walk
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.bind import Bound, Draw, bind, target_key
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import Program
from deltaplan.runtime.dropout import fill
from deltaplan.runtime.initial import with_statistics
from deltaplan.runtime.random import Purpose, permutation

TOLERANCE = 1e-6
WIDE, NARROW = 1e-4, 1e-6  # the spacing of the five-point rule, and of the two-point rule beside kinks
AT_MOST = 4000  # numbers of θ that are checked in all


@dataclass(frozen=True, slots=True)
class Row:
    """One block: how many of its numbers were checked and how many left out for a kink, and the largest
    error |a − d|/(max|d| + floor) with its place; `floor` is the round-off of the difference quotient."""

    block: str
    numbers: int
    checked: int
    kinks: int
    error: float
    index: tuple[int, ...]
    derived: float
    difference: float

    @property
    def passed(self) -> bool:
        return self.error <= TOLERANCE


def gradcheck(
    graph: Graph, theta: Array, data: Mapping[str, Array], scale: float, seed: int = 0, most: int = AT_MOST
) -> tuple[Row, ...]:
    """Checks each parameter block of a graph at θ [size] on samples (arrays under the keys of `bind`).

    Small models are checked in every number; of a large one, as many of each block, drawn with `seed`, as
    make about `most`.
    """
    trace = lower(graph, "train")
    with np.errstate(all="ignore"):
        vector = with_statistics(graph, np.array(theta, np.float64))
        probe = Probe(trace, vector, data, scale, _draw(seed))
        each = max(4, most // len(trace.parameters))
        return tuple(_row(probe, p, _chosen(p, each, seed)) for p in trace.parameters)


class Probe:
    """The objective as a function of single numbers of θ, and which side of each kink it was on."""

    def __init__(
        self, trace: Trace, theta: Array, data: Mapping[str, Array], scale: float, draw: Draw
    ) -> None:
        self.theta, gradient = theta, np.zeros(trace.size)
        batch = next(iter(data.values())).shape[-1]
        bound = bind(gradient_plan(trace), {"θ": theta, "g": gradient}, batch, data, draw)
        bound.scale[...] = scale
        bound.run()
        self.gradient = gradient.copy()
        self._objective, self._sides, self._program = _forward(trace, bound, draw)

    def at(self, place: int, offset: float) -> tuple[float, Array]:
        """The objective with one number of θ moved, and the signs at every switch."""
        before = self.theta[place]
        self.theta[place] = before + offset
        self._program.run()
        self.theta[place] = before
        sides = [_side(self._program[t], t).ravel() for t in self._sides]
        return float(self._program[self._objective]), np.concatenate([*sides, np.zeros(0)])

    def slope(self, place: int) -> tuple[float, float] | None:
        """∂objective/∂θ[place] by differences, and its round-off; None beside a kink.

        (f(−2h) − 8f(−h) + 8f(h) − f(2h))/12h, whose error is of the order h⁴; where a kink lies within 2h,
        (f(h) − f(−h))/2h with a smaller h, exact up to h² on each side of it.
        """
        wide = [self.at(place, factor * WIDE) for factor in (-2, -1, 1, 2)]
        values = [value for value, _ in wide]
        if _one_side(wide):
            slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * WIDE)
            return slope, _round_off(values, WIDE)
        narrow = [self.at(place, factor * NARROW) for factor in (-1, 1)]
        if not _one_side(narrow):
            return None
        values = [value for value, _ in narrow]
        return (values[1] - values[0]) / (2 * NARROW), _round_off(values, NARROW)


def _row(probe: Probe, parameter: Parameter, chosen: Sequence[int]) -> Row:
    found = [(place, slope) for place in chosen if (slope := probe.slope(place)) is not None]
    kinks = len(chosen) - len(found)
    largest = max((abs(s) for _, (s, _) in found), default=0.0)
    largest = max(largest, float(np.abs(probe.gradient[parameter.offset : parameter.end]).max(initial=0.0)))
    errors = [
        abs(probe.gradient[place] - slope) / (largest + floor / TOLERANCE or 1.0)
        for place, (slope, floor) in found
    ]
    worst = int(np.argmax(errors)) if errors else 0
    place, difference = (found[worst][0], found[worst][1][0]) if found else (parameter.offset, 0.0)
    index = tuple(int(i) for i in np.unravel_index(place - parameter.offset, parameter.tensor.shape))
    return Row(
        block=parameter.name,
        numbers=parameter.size,
        checked=len(found),
        kinks=kinks,
        error=float(errors[worst]) if errors else 0.0,
        index=index,
        derived=float(probe.gradient[place]),
        difference=difference,
    )


def _chosen(parameter: Parameter, each: int, seed: int) -> list[int]:
    order = permutation(parameter.size, seed, Purpose.PROBE)[:each]
    return sorted(parameter.offset + int(i) for i in order)


def _one_side(points: Sequence[tuple[float, Array]]) -> bool:
    first = points[0][1]
    return all(np.array_equal(first, sides) for _, sides in points[1:])


def _round_off(values: Sequence[float], spacing: float) -> float:
    return 8 * float(np.finfo(np.float64).eps) * max(1.0, *map(abs, values)) / spacing


def _forward(trace: Trace, bound: Bound, draw: Draw) -> tuple[Tensor, list[Tensor], Program]:
    """The forward steps with the switches of their maps, bound to the same θ and samples."""
    assert trace.objective is not None, "a check needs a problem"
    switches = list(_switch_steps(trace.steps))
    sides = [step.output for step in switches]
    external = {part.tensor: bound[part.tensor] for part in bound.plan.parts if part.vector == "θ"} | {
        trace.scale: bound.scale,
        trace.count: np.asarray(float(bound.program.batch)),
    }
    leaves = {**trace.inputs, **{target_key(name): t for name, t in trace.targets.items()}}
    external |= {leaves[name]: bound[leaves[name]] for name in bound.data}
    steps = (*trace.steps, *switches)
    kept = (trace.objective, *sides)
    program = Program(steps, external, kept, bound.program.batch, np.dtype(np.float64), draw)
    return trace.objective, sides, program


def _switch_steps(steps: Sequence[Step]) -> Iterator[Step]:
    """A map for each place where a map's formula changes: its value changes sign there. For a maximum over
    windows the places of the largest: they change."""
    for number, step in enumerate(steps):
        if isinstance(step, Pool) and step.kind == "max":
            index = replace(step.output, name=f"switch {number}", kind="index")
            yield ArgMax(inputs=step.inputs, outputs=(index,), window=step.window, origin=step.origin)
        if not isinstance(step, Map):
            continue
        found = dict.fromkeys(s for e in step.expressions for node in walk(e) for s in switches(node))
        for position, switch in enumerate(found):
            out = Tensor(f"switch {number}.{position}", step.outputs[0].shape, step.outputs[0].batched)
            yield Map(inputs=step.inputs, outputs=(out,), expressions=(switch,), origin=step.origin)


def _side(values: Array, switch: Tensor) -> Array:
    return values if switch.kind == "index" else np.sign(values)


def switches(node: Expr) -> tuple[Expr, ...]:
    """What changes sign where the formula of an operation changes."""
    match node.op:
        case Op.GT | Op.GE | Op.EQ | Op.MAX | Op.MIN:
            return (node.args[0] - node.args[1],)
        case Op.ABS | Op.SIGN | Op.SQRT:
            return (node.args[0],)
        case _:
            return ()


def _draw(seed: int) -> Draw:
    """The same random numbers in every evaluation."""

    def draw(node: int, out: Array) -> None:
        fill(out, seed, 0, node)

    return draw
