"""How tensors lie in memory, and the loops over samples and nets that follow from it."""

from dataclasses import field
from typing import Literal

from deltaplan.compiler.loops.nest import Accumulator, Fold, For, Index, Place, Statement, may_repeat
from deltaplan.compiler.steps import Shape, Tensor
from deltaplan.records import dataclass

SAMPLE, NET = "b", "e"  # the loops' variables


@dataclass(frozen=True, slots=True)
class Machine:
    """What a schedule needs to know of the processor: `lanes` numbers in a vector, `registers` vectors."""

    lanes: int
    registers: int

    @property
    def sums(self) -> int:
        """Vectors that may be summed up at once, with some left for what is summed."""
        return self.registers - 6 if self.registers >= 32 else 8

    @property
    def tile(self) -> int:
        """Sums of a tile of vectors and rows, of which each load serves many."""
        return 24 if self.registers >= 32 else 12

    def turns(self, rows: int) -> int:
        """At most so many turns of a sum are written out for so many rows in a tile: four where rows are few,
        two of a tall one where registers are."""
        return 4 if rows < 6 else 1 if self.registers >= 32 else 2


@dataclass(frozen=True, slots=True)
class Axes:
    """The order of memory. Without `nets` a tensor is [features, batch], and samples are the lanes of
    vectors; with it all but the `shared` tensors are [features, batch, nets], and nets are the lanes. For few
    samples it is [batch, features], where `inner` says so, and features are the lanes."""

    batch: int
    machine: Machine
    nets: int = 0
    shared: frozenset[str] = field(default=frozenset())
    accumulate: bool = False  # sums over samples are added to what is there
    inner: Literal["samples", "features"] = "samples"

    @property
    def by_features(self) -> bool:
        """Whether the features of each sample lie side by side."""
        return self.inner == "features"

    def own(self, tensor: Tensor) -> bool:
        """Whether each net has a tensor of its own."""
        return bool(self.nets) and tensor.name not in self.shared

    def shape(self, tensor: Tensor, features: Shape) -> Shape:
        """The shape in memory of a tensor seen as `features`."""
        samples = (self.batch,) if tensor.batched else ()
        if self.by_features:
            return (*samples, *features)
        return (*features, *samples, *((self.nets,) if self.own(tensor) else ()))

    def numbers(self, tensor: Tensor) -> int:
        """How many numbers a tensor has in memory."""
        return tensor.size * (self.batch if tensor.batched else 1) * (self.nets if self.own(tensor) else 1)

    def index(self, tensor: Tensor, *features: Place) -> Index:
        """The place of a feature in memory, for the sample and the net at hand."""
        sample = (SAMPLE,) if tensor.batched else ()
        if self.by_features:
            return (*sample, *features)
        return (*features, *sample, *((NET,) if self.own(tensor) else ()))

    def first(self, tensor: Tensor) -> int:
        """Which axis of memory is the first of the features."""
        return 1 if self.by_features and tensor.batched else 0

    def each_net(self, body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        """The body for all nets at once."""
        return (For(NET, self.nets, body, "lanes"),) if self.nets else body

    def each_sample(self, body: tuple[Statement, ...], vectors: int = 1) -> tuple[Statement, ...]:
        """The body for each sample: `vectors` vectors of them at once, or one after the other."""
        if self.nets or self.by_features:
            return (For(SAMPLE, self.batch, body),)
        return (For(SAMPLE, self.batch, body, "lanes", vectors, again=may_repeat(body)),)

    def over_samples(
        self, body: tuple[Statement, ...], accumulators: tuple[Accumulator, ...]
    ) -> tuple[Statement, ...]:
        """Sums over the samples."""
        kind: Literal["loop", "lanes"] = "loop" if self.nets or self.by_features else "lanes"
        return (Fold(SAMPLE, self.batch, body, accumulators, kind),)

    @property
    def net(self) -> tuple[Place, int]:
        """Which net is at hand, and of how many."""
        return (NET, self.nets) if self.nets else (0, 1)

    @property
    def vectors(self) -> int:
        """Native vectors that the samples fill, where they are the lanes."""
        return 1 if self.nets or self.by_features else -(-self.batch // self.machine.lanes)
