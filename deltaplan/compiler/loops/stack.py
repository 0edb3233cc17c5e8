"""The loss at many θ: nets are the lanes of vectors where layers are narrow; else they take turns."""

from collections.abc import Mapping
from math import prod

from deltaplan.compiler.fuse import fuse, prune
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.groups import Group, is_product
from deltaplan.compiler.loops.program import Fitting, Made, Program, is_narrow, program, tables_of
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.schedule.few import MOST, axes_of
from deltaplan.compiler.loops.schedule.tables import Table
from deltaplan.compiler.loops.training import Leaf
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.steps import MatMul, Reduce, Step, Tensor
from deltaplan.records import dataclass

SAMPLES = 64  # at once, with nets as lanes
VECTORS = 4  # of samples at once, else
LENGTH = 300  # statements for one sample that a kernel may have, roughly
TOTAL = Tensor("Σ", ())


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts of an evaluation of a trace at many θ of `size` numbers.

    `lanes` nets at once lie in `θ` [size, lanes]; with 1 it is a row of the stack. The samples go through in
    blocks of `block` and a rest; `blocks` are the programs by their number, each of which gives the sum of
    the loss in the space `sum`. `penalty` gives Ω in the space of that name.
    """

    kind: str
    size: int
    lanes: int
    samples: int
    block: int
    blocks: Mapping[int, Program]
    penalty: Program | None
    leaves: tuple[Leaf, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """The samples of each block."""
        whole, rest = divmod(self.samples, self.block)
        return (*[self.block] * whole, *([rest] if rest else []))

    @property
    def programs(self) -> tuple[Program, ...]:
        return (*self.blocks.values(), *([self.penalty] if self.penalty else []))

    @property
    def tables(self) -> tuple[Table, ...]:
        """Where the entries of sparse matrices are."""
        return tables_of(self.programs)


def stack(trace: Trace, kind: str, machine: Machine, samples: int, penalty: bool) -> Stack:
    """The evaluation of a trace on so many samples, with or without Ω."""
    assert trace.sample_loss is not None
    made: Made = {}
    total = Reduce(inputs=(trace.sample_loss,), outputs=(TOTAL,), kind="sum", axes=(), batch=True)
    steps = fuse((*prune(trace.steps, [trace.sample_loss]), total), [TOTAL])
    leaves = _leaves(trace, steps)
    lanes = machine.lanes if all(map(_is_narrow, steps)) else 1
    nets = lanes if lanes > 1 else 0
    shared = frozenset([*(t.name for t in leaves), *(s.tensor.name for s in trace.statistics)])
    places = _places(trace, lanes) | {t: Spot(f"in {key}", 0) for t, key in leaves.items()}
    most = min(samples, SAMPLES if nets else VECTORS * machine.lanes)

    def block(count: int) -> Program:
        known = {**places, TOTAL: Spot("sum", 0)}
        if not nets:
            axes = axes_of(steps, count, machine) if samples <= MOST else Axes(count, machine)
            return program(steps, known, [TOTAL], axes, made)
        axes = Axes(count, machine, nets, shared)
        return program(steps, known, [TOTAL], axes, made, joins=WholeNets(axes))

    def penalties(omega: Tensor) -> Program:
        own, axes = prune(trace.steps, [omega]), Axes(1, machine, nets, shared)
        return program(fuse(own, [omega]), {**places, omega: Spot("penalty", 0)}, [omega], axes, made)

    return Stack(
        kind=kind,
        size=trace.size,
        lanes=lanes,
        samples=samples,
        block=most,
        blocks={count: block(count) for count in dict.fromkeys((most, samples % most)) if count},
        penalty=penalties(trace.penalty) if penalty and trace.penalty else None,
        leaves=tuple(Leaf(key, t.size) for t, key in leaves.items()),
    )


class WholeNets(Fitting):
    """Layers of nets that are lanes follow each other in one kernel while it stays short: what is between
    them never lies in memory."""

    def samples(self, group: Group, step: Step) -> bool:
        if not is_narrow(group) or not _is_narrow(step):
            return False
        return sum(map(_length, (*group.steps, step))) <= LENGTH


def _is_narrow(step: Step) -> bool:
    return not any(t.batched for t in step.outputs) or is_narrow(Group("samples", [step]))


def _length(step: Step) -> int:
    """Statements for one sample, roughly."""
    products = prod(step.inputs[0].shape) if isinstance(step, MatMul) and is_product(step) else 0
    return products + sum(t.size for t in step.outputs)


def _leaves(trace: Trace, steps: tuple[Step, ...]) -> dict[Tensor, str]:
    """The inputs and targets that are read, with the keys of their data."""
    read = {t for step in steps for t in step.inputs}
    known = {tensor: name for name, tensor in trace.inputs.items()}
    known |= {tensor: f"target {name}" for name, tensor in trace.targets.items()}
    return {tensor: key for tensor, key in known.items() if tensor in read}


def _places(trace: Trace, lanes: int) -> dict[Tensor, Spot]:
    """Where parameters and running statistics lie."""
    found = {p.tensor: Spot("θ", p.offset * lanes) for p in trace.parameters}
    found |= {s.tensor: Spot("θ", s.offset * lanes) for s in trace.segments}
    return found | {s.tensor: Spot("statistics", s.offset - trace.size) for s in trace.statistics}
