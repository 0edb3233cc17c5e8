"""What is followed during training, as sums over blocks of samples and what follows from the sums."""

from collections.abc import Mapping, Sequence
from typing import Literal

from deltaplan.compiler.links import Decision
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.program import Made, Program, program
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.steps import ArgMax, Map, Put, Reduce, Step, Tensor
from deltaplan.compiler.writing import StepWriter
from deltaplan.plugins.expressions import Expr, argument, const, equal, substitute, where
from deltaplan.records import dataclass

Kind = Literal["real", "class", "binary", "sign"]
X0, X1, X2 = (argument(f"x{i}") for i in range(3))


@dataclass(frozen=True, slots=True)
class Monitor:
    """A metric of an output: `sums` of expressions of `u`, `y` and `m` over the samples, and the `result`
    that follows from them, `m` and `n` (see `contracts.Metric`). `of` tells what u and y are, `loss` that the
    only sum is that of a loss of each sample; `kind` and `decision` how the output's target is given and how
    it decides between classes."""

    label: str
    output: str
    of: Literal["values", "classes", "members", "loss"]
    sums: Mapping[str, Expr]
    result: Expr
    kind: Kind
    decision: Decision


@dataclass(frozen=True, slots=True)
class Watching:
    """The steps that sum up over the samples, where their sums lie, and the program of the results, which is
    carried out in float64.

    `units` are the numbers of `spread` and `offset` (what brings an output back to its units) and of the mean
    of the targets, by output; sums begin at 1, behind that of the loss.
    """

    steps: tuple[Step, ...]
    places: Mapping[Tensor, Spot]
    sums: int
    results: Program | None
    labels: tuple[str, ...]
    units: Mapping[tuple[str, str], tuple[int, int]]
    unit_count: int


def watching(
    monitors: Sequence[Monitor], trace: Trace, samples: int, machine: Machine, made: Made
) -> Watching:
    """The steps for some monitors; those of the loss of each sample come first."""
    writer = Writer(trace)
    loss = trace.sample_loss
    assert loss is not None
    total = Tensor("Σ", ())
    writer.emit(Reduce(inputs=(loss,), outputs=(total,), kind="sum", axes=(), batch=True))
    writer.places[total] = Spot("watched", 0)
    own = [writer.monitor(number, monitor) for number, monitor in enumerate(monitors)]
    results = _results(monitors, own, samples, writer, machine, made) if monitors else None
    labels = tuple(monitor.label for monitor in monitors)
    return Watching(
        tuple(writer.steps), writer.places, writer.count, results, labels, writer.units, writer.unit_count
    )


class Writer(StepWriter):
    """Writes the steps of monitors behind those of an evaluation."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace
        self.places: dict[Tensor, Spot] = {}
        self.units: dict[tuple[str, str], tuple[int, int]] = {}
        self.unit_count = 0
        self.count = 1

    def temporary(self) -> str:
        return super().temporary().replace("%", "%watch")

    def unit(self, output: str, name: str, size: int) -> Tensor:
        """Numbers of an output that the caller gives: `spread`, `offset`, `mean`."""
        key = output, name
        if key not in self.units:
            self.units[key] = self.unit_count, size
            self.unit_count += size
        tensor = Tensor(f"{name} of {output}", (size,))
        self.places[tensor] = Spot("units", self.units[key][0])
        return tensor

    def monitor(self, number: int, monitor: Monitor) -> dict[str, Tensor]:
        """The sums of a monitor by name."""
        u, y = self.compared(monitor)
        if monitor.of == "loss":
            return self._loss(number, monitor, u, y)
        known = {"u": u, "y": y, "m": self.unit(monitor.output, "mean", u.size)}
        found = {}
        for name, element in monitor.sums.items():
            each = self._over(self.temporary(), element, known, u.size)
            if not each.batched or each.shape != u.shape:
                raise NotImplementedError("a sum of what is the same for each sample")
            out = Tensor(f"{monitor.label} {number} {name}", u.shape)
            self.emit(Reduce(inputs=(each,), outputs=(out,), kind="sum", axes=(), batch=True))
            self.places[out] = Spot("watched", self.count)
            self.count += u.size
            found[name] = out
        return found

    def _loss(self, number: int, monitor: Monitor, u: Tensor, y: Tensor) -> dict[str, Tensor]:
        ((name, element),) = monitor.sums.items()
        each = self.reduced(self.temporary(), element, {"u": u, "y": y}, u.size)
        out = Tensor(f"{monitor.label} {number} {name}", ())
        self.emit(Reduce(inputs=(each,), outputs=(out,), kind="sum", axes=(), batch=True))
        self.places[out] = Spot("watched", self.count)
        self.count += 1
        return {name: out}

    def compared(self, monitor: Monitor) -> tuple[Tensor, Tensor]:
        """What a metric compares, [numbers] for each sample."""
        u, y = self.trace.outputs[monitor.output], self.trace.targets[monitor.output]
        if monitor.of == "loss" and monitor.kind != "real":
            return u, y
        if monitor.of in ("values", "loss"):
            return self._back(monitor.output, u), self._back(monitor.output, y)
        if monitor.decision == "argmax":
            index = Tensor(self.temporary(), (), batched=True, kind="index")
            self.emit(ArgMax(inputs=(u,), outputs=(index,)))
            if monitor.of == "members":
                return self._one_hot(index, u.size), self._one_hot(y, u.size)
            return self._row(index), self._row(y)
        edge = 0.5 if monitor.kind == "binary" else 0.0
        return self._above(u, 0.0), self._above(y, edge)

    def _back(self, output: str, tensor: Tensor) -> Tensor:
        """In the data's own units, in a row."""
        spread, offset = (self.unit(output, name, tensor.size) for name in ("spread", "offset"))
        flat = Tensor(self.temporary(), (tensor.size,), batched=True)
        if len(tensor.shape) != 1:
            raise NotImplementedError("a metric of an output with several sides")
        return self.emit(Map(inputs=(tensor, spread, offset), outputs=(flat,), expressions=(X0 * X1 + X2,)))

    def _above(self, tensor: Tensor, edge: float) -> Tensor:
        out = Tensor(self.temporary(), tensor.shape, batched=True)
        return self.emit(Map(inputs=(tensor,), outputs=(out,), expressions=(where(edge < X0, 1, 0),)))

    def _row(self, index: Tensor) -> Tensor:
        """A class as a vector of one number."""
        out = Tensor(self.temporary(), (1,), batched=True)
        return self.emit(Map(inputs=(index,), outputs=(out,), expressions=(X0,)))

    def _one_hot(self, index: Tensor, size: int) -> Tensor:
        one = Tensor(self.temporary(), (), batched=True)
        self.emit(Map(inputs=(index,), outputs=(one,), expressions=(where(equal(X0, X0), 1, 0),)))
        out = Tensor(self.temporary(), (size,), batched=True)
        return self.emit(Put(inputs=(one, index), outputs=(out,)))


def _results(
    monitors: Sequence[Monitor],
    sums: Sequence[Mapping[str, Tensor]],
    samples: int,
    sources: Writer,
    machine: Machine,
    made: Made,
) -> Program:
    """From the sums, in float64, to a number for each monitor."""
    writer = StepWriter()
    places: dict[Tensor, Spot] = {}
    for number, (monitor, own) in enumerate(zip(monitors, sums, strict=True)):
        known = dict(own)
        places |= {t: Spot("watched totals", sources.places[t].offset) for t in own.values()}
        key = monitor.output, "mean"
        if key in sources.units:
            begin, size = sources.units[key]
            known["m"] = Tensor(f"mean of {monitor.output}", (size,))
            places[known["m"]] = Spot("units of float64", begin)
        size = next(iter(own.values())).size
        result = substitute(monitor.result, {"n": const(float(samples))})
        out = writer.reduced(f"{monitor.label} {number}", result, known, size)
        places[out] = Spot("results", number)
    doubles = Machine(max(machine.lanes // 2, 2) if machine.lanes > 8 else machine.lanes, machine.registers)
    wanted = [t for t, spot in places.items() if spot.space == "results"]
    return program(writer.steps, places, wanted, Axes(1, doubles), made, arithmetic="double")
