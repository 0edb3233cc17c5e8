"""What plans are made of, as data: what makes them lives in modules of its own, which a run whose plans are
kept does not import."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from deltaplan.compiler.steps import Random, Step, Tensor
from deltaplan.records import dataclass

if TYPE_CHECKING:
    from deltaplan.compiler.optimize import Update

Mode = Literal["train", "predict"]
Role = Literal["weight", "bias", "factor"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One block of θ: its place in the flat vector, its shape, and what its first values depend on. `number`
    is the j of its layer."""

    name: str  # `dense1.W`
    node: str
    number: int
    tensor: Tensor
    offset: int
    role: Role
    fan_in: int
    fan_out: int
    first: float | None = None

    @property
    def size(self) -> int:
        return self.tensor.size

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Statistic:
    """A running statistic: a block that lies behind θ in the vector of a model, and what it begins with."""

    name: str  # `batch_norm1.mean`
    node: str
    tensor: Tensor
    offset: int
    first: float
    role: Literal["statistic"] = "statistic"

    @property
    def end(self) -> int:
        return self.offset + self.tensor.size


@dataclass(frozen=True, slots=True)
class Draw:
    """The distribution of a block's first values: normal with deviation `high`, uniform from `low` to `high`,
    the constant `high`, or an orthogonal matrix times `high`. `number` is the block's own stream."""

    parameter: Parameter
    kind: Literal["normal", "uniform", "constant", "orthogonal"]
    low: float
    high: float
    number: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A contiguous part of θ under a name of its own: what a penalty looks at. Not `trained`: a constant."""

    tensor: Tensor
    offset: int
    trained: bool = True
    rows: int = 1  # of the numbers as a matrix, where it is one block


@dataclass(frozen=True, slots=True)
class Trace:
    """The forward steps of a graph and its leaves.

    `values` has the tensor of each node. `sample_loss` is the loss of each sample, `penalty` is Ω,
    `objective` is loss + Ω with loss = scale · Σ over the batch; `scale` is a leaf, so that mean, sum and
    part batches are one plan. They are None where the graph states no problem. `count` is a leaf too, the
    number of samples in the batch; `updated` has what running statistics are after the step, and `frozen`
    names the parameters that count as constants.
    """

    mode: Mode
    steps: tuple[Step, ...]
    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    values: Mapping[str, Tensor]
    parameters: tuple[Parameter, ...]
    segments: tuple[Segment, ...]
    statistics: tuple[Statistic, ...]
    updated: Mapping[Tensor, Statistic]
    scale: Tensor
    count: Tensor
    sample_loss: Tensor | None
    penalty: Tensor | None
    loss: Tensor | None
    objective: Tensor | None
    frozen: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Numbers in θ, whose blocks lie one after the other."""
        return self.parameters[-1].end if self.parameters else 0

    @property
    def length(self) -> int:
        """Numbers in θ and in the running statistics behind it."""
        return self.size + sum(s.tensor.size for s in self.statistics)

    @property
    def trained(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters if p.name not in self.frozen)


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor whose memory is a part of a flat vector, from `offset` on: of `θ` and the running statistics
    behind it, of the gradient `g`, or of the direction `v` that a Hessian is multiplied with."""

    tensor: Tensor
    vector: Literal["θ", "g", "v"]
    offset: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """`count` copies of `period` steps, one after the other, from `begin` on. They belong to the layers
    `first`, `first` + `sign`, …: a backward pass goes through the layers in reverse."""

    begin: int
    period: int
    count: int
    first: int = 0
    sign: int = 1

    def step_of(self, layer: int) -> int:
        """The first step of a layer's copy."""
        return self.begin + self.period * (layer - self.first) * self.sign


@dataclass(frozen=True, slots=True)
class Repeats:
    """The layers `begin` to `end` - 1 are alike: each stretch has a copy for every one of them, what a copy
    reads lies as many layers away in each, and no other step reads what they write.

    `own` are the inputs, as stretch, step of a copy and place, at which each layer reads a tensor of its own
    that no step writes.
    """

    stretches: tuple[Stretch, ...]
    begin: int
    end: int
    own: tuple[tuple[int, int, int], ...]

    def spans(self, first: int, last: int) -> list[tuple[int, int]]:
        """Where the steps of the layers `first` to `last` begin and end, in order."""
        found = []
        for stretch in self.stretches:
            ends = stretch.step_of(first), stretch.step_of(last)
            found.append((min(ends), max(ends) + stretch.period))
        return sorted(found)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one purpose. `forward` ends with what is wanted, `backward` with the gradient in `g`.

    `parts` are the tensors that live in θ and g; `kept` are read after the last step. `repeats` tells which
    steps belong to equal layers, where there are many.
    """

    name: Literal["train", "evaluate", "predict"]
    trace: Trace
    forward: tuple[Step, ...]
    backward: tuple[Step, ...]
    parts: tuple[Part, ...]
    kept: tuple[Tensor, ...]
    repeats: Repeats | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.forward + self.backward

    @property
    def random(self) -> bool:
        """Whether steps draw random numbers."""
        return any(isinstance(step, Random) for step, _ in self.distinct())

    def distinct(self) -> Iterator[tuple[Step, int]]:
        """The steps, those of equal layers once, and how many there are of each."""
        steps, position = self.steps, 0
        repeats = self.repeats or Repeats((), 0, 1, ())
        layers = repeats.end - repeats.begin
        for begin, end in repeats.spans(repeats.begin, repeats.end - 1):
            once = begin + (end - begin) // layers
            yield from ((step, 1) for step in steps[position:begin])
            yield from ((step, layers) for step in steps[begin:once])
            position = end
        yield from ((step, 1) for step in steps[position:])

    def of_layer(self, layer: int) -> list[Tensor]:
        """What one of the equal layers has for itself, in the same order for each: what its steps write, and
        what they alone read."""
        assert self.repeats is not None
        steps, found = self.steps, list[Tensor]()
        for stretch in self.repeats.stretches:
            begin = stretch.step_of(layer)
            found += [t for step in steps[begin : begin + stretch.period] for t in step.outputs]
        for number, step, place in self.repeats.own:
            found.append(steps[self.repeats.stretches[number].step_of(layer) + step].inputs[place])
        return found


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of a graph; training and the update of θ where the spec states a problem."""

    train: Plan | None
    evaluate: Plan
    predict: Plan
    update: "Update | None"
