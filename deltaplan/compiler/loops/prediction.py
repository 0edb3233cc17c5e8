"""Everything that predictions consist of: one sample along its features, and blocks of them side by side."""

import struct
from collections.abc import Mapping, Sequence

from deltaplan.compiler.fuse import fuse
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.program import Made, Program, program
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.plan import Plan
from deltaplan.compiler.steps import Map, Step, Tensor
from deltaplan.plugins.expressions import argument
from deltaplan.records import dataclass

VECTORS = 4  # of samples in a block
X0, X1, X2, X3 = (argument(f"x{i}") for i in range(4))


@dataclass(frozen=True, slots=True)
class Scales:
    """A mean and a scale for each number of an input or output, in float64."""

    means: Sequence[float]
    scales: Sequence[float]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The parts of a predictor. A sample has so many `inputs` and `outputs`, those of all nodes one after the
    other. Programs lead from the space `raw` to `in`, where inputs are scaled, and from `in` to `out`.
    `constants` lie in the space of that name."""

    kind: str
    inputs: int
    outputs: int
    one: Program
    many: Program
    scale_one: Program | None
    scale_many: Program | None
    constants: tuple[float, ...]

    @property
    def block(self) -> int:
        """Samples side by side."""
        return self.many.axes.batch

    @property
    def programs(self) -> tuple[Program, ...]:
        found = (self.one, self.many, self.scale_one, self.scale_many)
        return tuple(program for program in found if program)


def prediction(
    plan: Plan,
    kind: str,
    machine: Machine,
    inputs: Mapping[str, Scales],
    outputs: Mapping[str, Scales],
) -> Prediction:
    """The predictor of a plan for predictions. Inputs that are named are scaled, x ↦ (x − mean) / scale, and
    outputs that are named are scaled back."""
    made: Made = {}
    constants = Constants(kind)
    before = [_scaled(tensor, inputs.get(name), constants) for name, tensor in plan.trace.inputs.items()]
    after = [
        _scaled_back(tensor, outputs.get(name), constants)
        for name, tensor in zip(plan.trace.outputs, plan.kept, strict=False)
    ]
    ends = [step.output for step in after]
    steps = fuse((*plan.steps, *after), ends)
    few = Axes(1, machine, inner="features")
    block = Axes(VECTORS * machine.lanes, machine)

    def main(axes: Axes) -> Program:
        places = {part.tensor: Spot(part.vector, part.offset) for part in plan.parts} | constants.places
        places |= _side_by_side("in", [*plan.trace.inputs.values()], axes)
        return program(steps, places | _side_by_side("out", ends, axes), ends, axes, made)

    def scale(axes: Axes) -> Program | None:
        scaled = [step.output for step in before]
        places = constants.places | _side_by_side("in", scaled, axes)
        places |= _side_by_side("raw", [step.inputs[0] for step in before], axes)
        return program(before, places, scaled, axes, made) if inputs else None

    return Prediction(
        kind=kind,
        inputs=sum(t.size for t in plan.trace.inputs.values()),
        outputs=sum(t.size for t in ends),
        one=main(few),
        many=main(block),
        scale_one=scale(few),
        scale_many=scale(block),
        constants=tuple(constants.numbers),
    )


class Constants:
    """Numbers that do not change, and where they lie."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.numbers: list[float] = []
        self.places: dict[Tensor, Spot] = {}

    def tensor(self, numbers: Sequence[float], like: Tensor) -> Tensor:
        """The numbers as a tensor of the shape of one sample."""
        found = Tensor(f"%constant{len(self.numbers)}", like.shape)
        self.places[found] = Spot("constants", len(self.numbers))
        self.numbers += numbers
        return found


def _scaled(tensor: Tensor, scales: Scales | None, constants: Constants) -> Step:
    """From raw numbers to those of an input. In float32 the mean is a sum of two numbers: what is left of a
    large one would else be its rounding."""
    raw = Tensor(f"raw {tensor.name}", tensor.shape, batched=True)
    if scales is None:
        return Map(inputs=(raw,), outputs=(tensor,), expressions=(X0,))
    factors = constants.tensor([1 / scale for scale in scales.scales], tensor)
    if constants.kind == "double":
        means = constants.tensor(scales.means, tensor)
        return Map(inputs=(raw, means, factors), outputs=(tensor,), expressions=((X0 - X1) * X2,))
    heads = [_single(mean) for mean in scales.means]
    high = constants.tensor(heads, tensor)
    low = constants.tensor([mean - head for mean, head in zip(scales.means, heads, strict=True)], tensor)
    value = ((X0 - X1) - X2) * X3
    return Map(inputs=(raw, high, low, factors), outputs=(tensor,), expressions=(value,))


def _single(number: float) -> float:
    """The nearest float32."""
    return float(struct.unpack("f", struct.pack("f", number))[0])


def _scaled_back(tensor: Tensor, scales: Scales | None, constants: Constants) -> Step:
    out = Tensor(f"out {tensor.name}", tensor.shape, batched=True)
    if scales is None:
        return Map(inputs=(tensor,), outputs=(out,), expressions=(X0,))
    factors, means = (constants.tensor(numbers, tensor) for numbers in (scales.scales, scales.means))
    return Map(inputs=(tensor, factors, means), outputs=(out,), expressions=(X0 * X1 + X2,))


def _side_by_side(space: str, tensors: Sequence[Tensor], axes: Axes) -> dict[Tensor, Spot]:
    """Tensors one after the other in a space."""
    found, reached = {}, 0
    for tensor in tensors:
        found[tensor] = Spot(space, reached)
        reached += axes.numbers(tensor)
    return found
