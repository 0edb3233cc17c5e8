"""The calls of a program: what lies in memory when it is read."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from math import prod

from deltaplan.compiler.loops.calls import Call, Spot
from deltaplan.compiler.loops.nest import Buffer
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.verify.memory import Space
from deltaplan.compiler.loops.verify.results import Checked
from deltaplan.records import dataclass

OWN = ("arena", "scratch")  # what the program places itself
MADE = (*OWN, "g")  # what holds nothing before the first call


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter of a call: the tensor, and the numbers of a space that it takes."""

    buffer: Buffer
    tensor: str
    spot: Spot

    @property
    def begin(self) -> int:
        return self.spot.offset

    @property
    def end(self) -> int:
        return self.spot.offset + prod(self.buffer.shape)

    def meets(self, other: "Given") -> bool:
        return self.spot.space == other.spot.space and self.begin < other.end and other.begin < self.end

    def same(self, other: "Given") -> bool:
        return (self.begin, self.end) == (other.begin, other.end)


@dataclass(slots=True)
class Walk:
    """The memory while a program's calls are followed."""

    program: Program
    kernels: Mapping[str, Checked]
    given: Collection[str] = ()
    spaces: defaultdict[str, Space] = field(default_factory=lambda: defaultdict(Space))

    def call(self, number: int, call: Call) -> Iterator[str]:
        name = f"call {number} (`{call.kernel.name}`)"
        if not len(call.spots) == len(call.tensors) == len(call.kernel.parameters):
            yield f"{name} does not give each parameter its memory"
            return
        given = [Given(*each) for each in zip(call.kernel.parameters, call.tensors, call.spots, strict=True)]
        kernel = self.kernels[call.kernel.name]
        reads = [g for g in given if g.buffer.name in kernel.reads]
        writes = [g for g in given if g.buffer.name in kernel.writes]
        faults = [*self._inside(given), *_apart(given, writes)]
        faults += [fault for read in reads for fault in self.read(read)]
        faults += [fault for write in writes for fault in self._write(write, reads)]
        yield from (f"{name} {fault}" for fault in faults)

    def _inside(self, given: Iterable[Given]) -> Iterator[str]:
        lengths = {"arena": self.program.arena, "scratch": self.program.scratch}
        for each in given:
            length = lengths.get(each.spot.space)
            if each.begin < 0 or (length is not None and each.end > length):
                yield f"has `{each.tensor}` outside the {each.spot.space}"

    def read(self, each: Given) -> Iterator[str]:
        """What was written there must be this tensor; in `g`, whose parts overlap, anything."""
        if each.spot.space not in MADE or each.spot.space in self.given:
            return
        for owner in dict.fromkeys(self.spaces[each.spot.space].owners(each.begin, each.end)):
            if owner is None:
                yield f"reads `{each.tensor}`, which is not written yet"
            elif owner != each.tensor and each.spot.space in OWN:
                yield f"reads `{each.tensor}` where `{owner}` was written"

    def _write(self, each: Given, reads: Iterable[Given]) -> Iterator[str]:
        """Results outside the arena are not written over, unless by what reads them there."""
        space = self.spaces[each.spot.space]
        if each.spot.space not in OWN and not any(each.meets(r) and each.same(r) for r in reads):
            for owner in dict.fromkeys(space.owners(each.begin, each.end)):
                if owner is not None:
                    yield f"writes `{each.tensor}` over `{owner}`"
        space.write(each.begin, each.end, each.tensor)


def _apart(given: Iterable[Given], writes: Iterable[Given]) -> Iterator[str]:
    """What a kernel writes is apart from everything else, or the very memory of one thing that it reads."""
    for write in writes:
        for other in given:
            if other is not write and write.meets(other) and not write.same(other):
                yield f"writes `{write.tensor}` across `{other.tensor}`"


def faults_of_program(
    program: Program, kernels: Mapping[str, Checked], kept: Iterable[str], given: Collection[str]
) -> Iterator[str]:
    """What is wrong with the calls, as short texts; the kernels are sound by themselves."""
    walk = Walk(program, kernels, given)
    lengths: dict[str, Buffer] = {}
    for number, call in enumerate(program.calls):
        yield from walk.call(number, call)
        lengths |= dict(zip(call.tensors, call.kernel.parameters, strict=False))
    for name in kept:
        if name in lengths and name in program.spots:
            faults = walk.read(Given(lengths[name], name, program.spots[name]))
            yield from (f"whoever comes after {fault}" for fault in faults)
        elif name not in program.spots:
            yield f"`{name}` has no memory and is read after the last call"
