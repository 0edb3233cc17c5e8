"""Work that several threads share: phases of a step, whose parts each thread takes in turn.

The thread that runs the loop starts a phase by counting `GO` up and does its own part; the others wait for
that number in `@work`, do theirs, and count `DONE` up. Which thread does a part changes no bit of it.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from deltaplan.compiler.loops.llvm.code import Value, Variable
from deltaplan.compiler.loops.parallel import Chunk, Parallel
from deltaplan.compiler.loops.program import Program

if TYPE_CHECKING:
    from deltaplan.compiler.loops.llvm.train import TrainingWriter

WORKING = ("arena", "scratch")  # they hold nothing once a chunk is done: each thread has its own
OWN = ("g", "sums", "samples")  # what each chunk has for itself, beside its data
SPINS = 4000  # looks before a waiting thread lets others have its core
NUMBERS = [
    ("ptr", "table"),
    ("i64", "phase"),
    ("i64", "rest"),
    ("ptr", "theta"),
    ("ptr", "next"),
    ("ptr", "order"),
]


class Signal(IntEnum):
    """Places in the numbers that threads signal with, each on a cache line of its own."""

    GO = 0
    DONE = 8
    PHASE = 16
    REST = 17
    THETA = 18
    NEXT = 19
    ORDER = 20
    THREADS = 24
    SIZE = 32


class Phase(IntEnum):
    LEAVE = 0
    PASS = 1
    COMBINE = 2
    NORM = 3
    UPDATE = 4


def own(space: str) -> bool:
    """Whether each chunk has a memory of its own for a space."""
    return space in OWN or space.startswith("in ")


def shared_tables(parallel: Parallel) -> Iterator[str]:
    """The names of the pointers that the phases need beside those of a loop in one piece."""
    yield from ("common", "norms", "sums", "signal")
    for space in WORKING:  # one behind the other: that of a thread is found by its number
        yield from (f"{space}@{c}" for c in range(parallel.most))
    for c in range(parallel.most):
        for program in parallel.passes.values():
            yield from (f"{s}@{c}" for s in program.spaces if own(s))
        yield f"sums@{c}"
        yield f"samples@{c}"


class Sharing:
    """Writes `@phase`, which does one thread's part of a phase, and `@work`, in which the others wait."""

    def __init__(self, writer: "TrainingWriter", parallel: Parallel) -> None:
        self.writer, self.parallel, self.code = writer, parallel, writer.code

    def write(self) -> None:
        p, w = self.parallel, self.writer
        for size, program in p.passes.items():
            w.program(f"pass{size}", program)
        for name, programs in self._ranged():
            for number, program in enumerate(programs):
                w.program(f"{name}{number}", program)
        w.program("total", p.total)
        w.program("after_sums", p.after)
        if p.before:
            w.program("before", p.before)
        self._phase()
        self._work()

    def _ranged(self) -> Iterator[tuple[str, Sequence[Program]]]:
        p = self.parallel
        yield from (("combine", p.combine), ("norm", p.norms), ("update", p.updates))

    def _phase(self) -> None:
        code = self.code
        parameters = [*NUMBERS, ("i64", "rank"), ("i64", "threads")]
        with code.function("phase", parameters, light=True) as f:
            self.table = f["table"]
            with code.when(f["phase"].is_(Phase.PASS)):
                for number, chunks in enumerate(self.parallel.chunks.values()):
                    with code.when(f["rest"].is_(number)):
                        self._passes(f, chunks)
            for phase, (name, programs) in zip(
                (Phase.COMBINE, Phase.NORM, Phase.UPDATE), self._ranged(), strict=True
            ):
                with code.when(f["phase"].is_(phase)):
                    self._ranges(f, name, len(programs))
            code.give()

    def _passes(self, f: dict[str, Value], chunks: Sequence[Chunk]) -> None:
        self._each(f, len(chunks), lambda c: self._pass(f, c, chunks[c]))

    def _ranges(self, f: dict[str, Value], name: str, count: int) -> None:
        self._each(f, count, lambda r: self._range(f, f"{name}{r}"))

    def _each(self, f: dict[str, Value], count: int, part: Callable[[int], None]) -> None:
        """Every part that is this thread's turn."""
        for number in range(count):
            turn = Value(self.code, str(number), "i64") % f["threads"]
            with self.code.when(f["rank"].is_(turn)):
                part(number)

    def _pass(self, f: dict[str, Value], number: int, chunk: Chunk) -> None:
        w, code = self.writer, self.code
        if w.training.batch is not None:
            order = code.place(f["order"], chunk.begin, "i64")
            w.gather(f["table"], order, chunk.size, f"@{number}")
        self._range(f, f"pass{chunk.size}", number)

    def _range(self, f: dict[str, Value], name: str, chunk: int | None = None) -> None:
        w = self.writer
        operands = []
        for space in w.spaces[name]:
            if space in ("θ", "next"):
                operands.append(f["theta" if space == "θ" else "next"])
            elif space == "scale":
                operands.append(self.code.place(w.slot(f["table"], space), f["rest"], w.training.kind))
            elif chunk is not None and space in WORKING:
                number = f["rank"] + w.slots[f"{space}@0"]
                operands.append(self.code.load(f["table"], number, "ptr"))
            elif chunk is not None and own(space):
                operands.append(w.slot(f["table"], f"{space}@{chunk}"))
            else:
                operands.append(w.slot(f["table"], slot_of(space)))
        self.code.call(name, operands)

    def _work(self) -> None:
        """Waits for a phase, does the part of thread `rank`, says so, until there is none any more."""
        code = self.code
        with code.function("work", [("ptr", "table"), ("i64", "rank")], public=True) as f:
            with code.without_subnormals(self.writer.width.is_x86):
                signal = self.writer.slot(f["table"], "signal")
                seen = code.variable("i64", 0)
                spins = code.variable("i64", 0)
                phase = code.variable("i64", Phase.PASS)
                with code.while_(lambda: phase.value.is_not(Phase.LEAVE)):
                    self._wait(signal, seen.value, spins)
                    seen.set(code.load(signal, Signal.GO, "i64", fresh=True))
                    phase.set(code.load(signal, Signal.PHASE, "i64"))
                    with code.when(phase.value.is_not(Phase.LEAVE)):
                        self._given(f, signal, phase.value)
                        add(self.writer, signal, Signal.DONE)
            code.give()

    def _wait(self, signal: Value, known: Value, spins: Variable) -> None:
        """Until another phase begins."""
        code = self.code
        waiting(self.writer, spins, lambda: code.load(signal, Signal.GO, "i64", fresh=True).is_(known))

    def _given(self, f: dict[str, Value], signal: Value, phase: Value) -> None:
        code = self.code
        rest = code.load(signal, Signal.REST, "i64")
        places = [code.load(signal, s, "ptr") for s in (Signal.THETA, Signal.NEXT, Signal.ORDER)]
        threads = code.load(signal, Signal.THREADS, "i64")
        code.call("phase", [f["table"], phase, rest, *places, f["rank"], threads])


def slot_of(space: str) -> str:
    """The slot of a space of a program over all chunks: `g 0` is the gradient of chunk 0."""
    name, _, number = space.partition(" ")
    return f"{name}@{number}" if name in ("g", "sums") and number else space


def waiting(writer: "TrainingWriter", spins: Variable, condition: Callable[[], Value]) -> None:
    """Waits as long as a condition holds."""
    code, text = writer.code, writer.text
    spins.set(0)
    text.declare("i32 @sched_yield()")
    with code.while_(condition):
        pause(writer)
        spins.set(spins.value + 1)
        with code.when(spins.value > SPINS):
            text.value("call i32 @sched_yield()")


def pause(writer: "TrainingWriter") -> None:
    """Tells the core that it waits."""
    if writer.width.pause:
        writer.text.declare(f"void @{writer.width.pause}()")
        writer.text.do(f"call void @{writer.width.pause}()")


def add(writer: "TrainingWriter", signal: Value, place: Signal) -> None:
    """Counts a number up, after all that was written before."""
    pointer = writer.code.place(signal, int(place), "i64")
    writer.text.value(f"atomicrmw add ptr {pointer.name}, i64 1 acq_rel")


def share(
    writer: "TrainingWriter",
    table: Value,
    phase: Phase,
    rest: Value,
    places: tuple[Value, Value, Value],
    threads: Value,
    spins: Variable,
) -> None:
    """Does a phase with all threads; `places` are θ, the next θ and the order of the samples."""
    code = writer.code
    signal = writer.slot(table, "signal")
    number, zero = Value(code, str(int(phase)), "i64"), Value(code, "0", "i64")
    with code.when(threads > 1):
        code.store(signal, int(Signal.PHASE), number, "i64")
        code.store(signal, int(Signal.REST), rest, "i64")
        code.store(signal, int(Signal.THREADS), threads, "i64")
        for place, value in zip((Signal.THETA, Signal.NEXT, Signal.ORDER), places, strict=True):
            code.store(signal, int(place), value, "ptr")
        code.store(signal, int(Signal.DONE), 0, "i64")
        add(writer, signal, Signal.GO)
    code.call("phase", [table, number, rest, *places, zero, threads])
    with code.when(threads > 1):
        waiting(writer, spins, lambda: code.load(signal, Signal.DONE, "i64", fresh=True) < threads - 1)


def leave(writer: "TrainingWriter", table: Value) -> None:
    """Sends the other threads home."""
    signal = writer.slot(table, "signal")
    writer.code.store(signal, int(Signal.PHASE), int(Phase.LEAVE), "i64")
    add(writer, signal, Signal.GO)
